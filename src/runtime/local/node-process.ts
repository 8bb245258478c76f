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

/** Where Node finds what it has compiled before, if whoever started us has a place for that: no business of a process's own settings. */
function compiledCode(): NodeJS.ProcessEnv {
  const folder = process.env['NODE_COMPILE_CACHE'];
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: folder };
}

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
    env: { ...fewArenas, ...compiledCode(), ...(env ?? process.env), [parentPipeVariable]: '1' },
  });
}
