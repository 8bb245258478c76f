import { createContext, Script } from 'node:vm';

const box: { work: () => unknown } = { work: () => undefined };
const context = createContext(box);
const script = new Script('work()');
/** A process that was not let run has used no time: what it did not get to is tried again. */
const mostTries = 5;

/** Of this thread alone, from Node 23.9 on; what other threads of the process use before that only makes it give up sooner. */
function cpuUsage(since?: NodeJS.CpuUsage): NodeJS.CpuUsage {
  const { threadCpuUsage, cpuUsage: ofProcess }: Partial<NodeJS.Process> & Pick<NodeJS.Process, 'cpuUsage'> = process;
  return (threadCpuUsage ?? ofProcess)(since);
}

/**
 * Runs what somebody else's pattern or schema may make endless, on this thread, and gives it up after a while: whoever stands still
 * here renews no lease and hears of no stop. Undefined: given up. Costs a fraction of a millisecond, so only for what needs it.
 */
export function withinTime<Result>(mostMs: number, work: () => Result): { readonly result: Result } | undefined {
  box.work = work;
  try {
    for (let tries = 0; tries < mostTries; tries += 1) {
      const before = cpuUsage();
      try {
        return { result: script.runInContext(context, { timeout: mostMs }) as Result }; // what `work` returned
      } catch (thrown) {
        if (!isTimeout(thrown)) throw thrown;
        const { user, system } = cpuUsage(before);
        if (user + system > (mostMs * 1_000) / 2) return undefined;
      }
    }
    return undefined;
  } finally {
    box.work = () => undefined;
  }
}

/** It comes from another context, so it is no instance of any class of ours. */
function isTimeout(thrown: unknown): boolean {
  const isObject = typeof thrown === 'object' && thrown !== null;
  return isObject && 'code' in thrown && thrown.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}
