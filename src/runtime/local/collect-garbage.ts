import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** By then a process has loaded what it runs, and hardly anybody is there yet to notice the pause. */
const startedAfterMs = 2_500;

/**
 * Hands back what only the start needed: loading modules leaves tens of megabytes behind that V8 would collect when it runs short,
 * which a process that mostly waits never does; as a last resort, it drops as well what it compiled and does not use. Takes about a
 * tenth of a second, in which nothing is answered: not for the stop process, nor for a gateway.
 */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

/** Keeps no process up for it. */
export function collectOnceStarted(): void {
  setTimeout(collectGarbage, startedAfterMs).unref();
}
