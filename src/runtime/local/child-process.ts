import { type ChildProcess as NodeChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync, openSync, renameSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import { EstopError } from '../../core/errors.ts';
import {
  type ChildRecord,
  isOrphan,
  readChildRecord,
  readChildRecords,
  removeChildRecord,
  writeChildRecord,
} from './child-record.ts';
import { identifyProcess, isAlive, type ProcessIdentity } from './process-identity.ts';

export interface ChildSpec {
  /** Unique in the state folder; names the record, and the part in messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The state folder, where the record is kept that lets the next start end an orphan. */
  readonly stateFolder: string;
  /** Gets stdout and stderr. */
  readonly logFile: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** As whom to run; only root can choose. */
  readonly as?: { readonly uid: number; readonly gid: number } | undefined;
  /** Open files that the child gets as descriptors 3, 4, .. */
  readonly handles?: readonly number[];
  readonly stopSignal?: NodeJS.Signals;
  /** How long a stop may take before the child is killed. */
  readonly graceMs?: number;
  readonly fingerprint?: string;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ChildProcess {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Fulfilled when it has ended, for whatever reason. Of an adopted process only that is known. */
  readonly exited: Promise<ChildExit>;
  /** Asks it to end, kills its whole process group after the grace. Any number of calls. */
  stop(): Promise<ChildExit>;
}

/** What is told to end when we end without having stopped it. */
const runningNow = new Set<Running>();
process.once('exit', () => {
  for (const { identity, stopSignal } of runningNow) signalIfAlive(identity, identity.pid, stopSignal);
});

const defaultGraceMs = 10_000;
const logLimitBytes = 10 * 1024 * 1024;

/**
 * Starts a process in a group of its own, so that Ctrl-C in the terminal reaches estop alone and the order of the stop is
 * ours. It ends with us in three ways: by `stop`, by our exit handler, and, when we were killed, by the next start.
 * Its standard input is a pipe that we hold open: a child that reads it (`endWithParent`) notices our death at once.
 * A signal that we do not handle counts as a kill: Node then runs no exit handler. Whoever starts children handles SIGTERM
 * and SIGINT. Not protected: killed between the spawn and the write of the record, we leave a child that no record names.
 */
export async function startChild(spec: ChildSpec): Promise<ChildProcess> {
  await endPredecessor(spec.stateFolder, spec.name);
  const { child, pid } = await spawnToLog(spec);
  const exited = new Promise<ChildExit>((resolve) => {
    child.once('exit', (code, name) => {
      // What it left running in its group would otherwise outlive it.
      signal(-pid, 'SIGKILL');
      resolve({ code, signal: name });
    });
  });
  // Undefined if it ended before we could look; then there is nothing to record and nothing to stop.
  const identity = identifyProcess(pid);
  if (identity === undefined) return { name: spec.name, pid, logFile: spec.logFile, exited, stop: () => exited };

  const { name, stateFolder, logFile, graceMs, stopSignal = 'SIGTERM', fingerprint = '' } = spec;
  try {
    writeChildRecord(stateFolder, { name, child: identity, stopSignal, fingerprint });
  } catch (thrown) {
    // One that no record names would be nobody's: its next start would not know of it.
    signal(-pid, 'SIGKILL');
    throw thrown;
  }
  return handleOf({ name, stateFolder, logFile, graceMs, identity, stopSignal, ended: exited });
}

/** The handle of a process that a record names. The caller becomes the one who must stop it. */
export function adoptChild(stateFolder: string, record: ChildRecord, logFile: string, graceMs?: number): ChildProcess {
  const { name, child: identity, stopSignal, fingerprint } = record;
  writeChildRecord(stateFolder, { name, child: identity, stopSignal, fingerprint });
  return handleOf({ name, stateFolder, logFile, graceMs, identity, stopSignal, ended: untilGone(identity) });
}

interface Running {
  readonly name: string;
  readonly stateFolder: string;
  readonly logFile: string;
  readonly graceMs: number | undefined;
  readonly identity: ProcessIdentity;
  readonly stopSignal: NodeJS.Signals;
  readonly ended: Promise<ChildExit>;
}

function handleOf(running: Running): ChildProcess {
  const { name, stateFolder, logFile, identity } = running;
  runningNow.add(running);
  const exited = running.ended.then((exit) => {
    runningNow.delete(running);
    removeChildRecord(stateFolder, name);
    return exit;
  });
  let stopping: Promise<ChildExit> | undefined;
  return { name, pid: identity.pid, logFile, exited, stop: () => (stopping ??= stop(running, exited)) };
}

async function stop(
  { identity, stopSignal, graceMs = defaultGraceMs }: Running,
  exited: Promise<ChildExit>,
): Promise<ChildExit> {
  // The leader alone is asked: it knows in which order to end the others of its group.
  signalIfAlive(identity, identity.pid, stopSignal);
  const grace = new AbortController();
  const killed = sleep(graceMs, undefined, { signal: grace.signal }).then(
    () => signalIfAlive(identity, -identity.pid, 'SIGKILL'),
    () => undefined,
  );
  const exit = await exited;
  grace.abort();
  await killed;
  return exit;
}

/** Ends an orphan of that name. A child of a living parent is not ours to end, and a twin of it is not started. */
export async function endPredecessor(stateFolder: string, name: string): Promise<void> {
  await endOrphan(stateFolder, name);
  const record = readChildRecord(stateFolder, name);
  if (record === undefined || !isAlive(record.child)) return;
  throw new EstopError('part-failed', {
    detail: `${name} already runs as process ${record.child.pid}, started by process ${record.parent.pid}.`,
  });
}

/**
 * Ends every child whose parent was killed, and says which. Those of a living parent are left alone. To be called when all
 * is started: starting ends, or adopts, the orphan of the same name, and this the ones that have no successor.
 */
export async function endOrphans(stateFolder: string): Promise<readonly string[]> {
  const ended = await Promise.all(readChildRecords(stateFolder).map((record) => endOrphan(stateFolder, record.name)));
  return ended.filter((name) => name !== undefined);
}

async function endOrphan(stateFolder: string, name: string): Promise<string | undefined> {
  const record = readChildRecord(stateFolder, name);
  if (record === undefined) return undefined;
  if (isOrphan(record)) {
    await adoptChild(stateFolder, record, '').stop();
    return name;
  }
  if (!isAlive(record.child)) removeChildRecord(stateFolder, name);
  return undefined;
}

async function spawnToLog(spec: ChildSpec): Promise<{ readonly child: NodeChildProcess; readonly pid: number }> {
  rotate(spec.logFile);
  const log = openSync(spec.logFile, 'a', 0o600);
  const stdio: StdioOptions = ['pipe', log, log, ...(spec.handles ?? [])];
  try {
    const child = withOwnerOnlyUmask(() =>
      spawn(spec.command, spec.args, {
        detached: true,
        stdio,
        env: spec.env ?? process.env,
        ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
        ...spec.as,
      }),
    );
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) =>
        reject(new EstopError('part-failed', { detail: `${spec.name} cannot be started: ${cause.message}.`, cause })),
      );
    });
    // A pipe whose other end is closed must not end us.
    child.stdin?.on('error', () => undefined);
    // Never a default: signalling the group 0 would end ourselves.
    if (child.pid === undefined)
      throw new EstopError('part-failed', { detail: `${spec.name} started without a process id.` });
    return { child, pid: child.pid };
  } finally {
    closeSync(log);
  }
}

/** Databases and logs that a child creates are then readable by their owner alone, inside a folder that is so as well. */
function withOwnerOnlyUmask<T>(start: () => T): T {
  if (!isMainThread) return start();
  const before = process.umask(0o077);
  try {
    return start();
  } finally {
    process.umask(before);
  }
}

function rotate(logFile: string): void {
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  if (size > logLimitBytes) renameSync(logFile, `${logFile}.1`);
}

async function untilGone(identity: ProcessIdentity): Promise<ChildExit> {
  // The timer keeps no process alive: whoever adopted a server may still simply end.
  while (isAlive(identity)) await sleep(50, undefined, { ref: false });
  return { code: null, signal: null };
}

/** A pid is signalled only while it is surely the process we mean, never one that was given the same number later. */
function signalIfAlive(identity: ProcessIdentity, target: number, name: NodeJS.Signals): void {
  if (isAlive(identity)) signal(target, name);
}

function signal(target: number, name: NodeJS.Signals): void {
  try {
    process.kill(target, name);
  } catch {
    // ESRCH: it is gone, which is what was wanted.
  }
}
