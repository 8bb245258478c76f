import { type ChildProcess, type ChildSpec, startChild } from './child-process.ts';
import { parentPipeVariable } from './end-with-parent.ts';

export interface NodeProcessSpec extends Omit<ChildSpec, 'command' | 'args' | 'as' | 'handles'> {
  /** The module to run, see `entryPoint`. */
  readonly main: string;
  readonly args?: readonly string[];
  /** For Node itself. */
  readonly flags?: readonly string[];
}

/** glibc gives each of a worker's many threads an arena of its own, which together hold more than what lives in them. */
const fewArenas = { MALLOC_ARENA_MAX: '2' };

/** Starts a process of estop itself, with the Node that runs us. It calls `endWithParent` and so ends as soon as we do. */
export function startNodeProcess({
  main,
  args = [],
  flags = [],
  env,
  ...rest
}: NodeProcessSpec): Promise<ChildProcess> {
  return startChild({
    ...rest,
    command: process.execPath,
    args: [...flags, main, ...args],
    env: { ...fewArenas, ...(env ?? process.env), [parentPipeVariable]: '1' },
  });
}
