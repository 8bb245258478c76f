import { pino } from 'pino';
import type { Log } from '../contract/identity.ts';
import { plural } from '../contract/plural.ts';
import { currentTraceId } from '../contract/tracing.ts';
import { createLogWriter } from './log-writer.ts';

const usualNames: Readonly<Record<string, string>> = {
  stopId: 'stop_id',
  taskId: 'task_id',
  traceId: 'trace_id',
  requestId: 'request_id',
};

/** By these names whoever reads logs of many programs looks for them; in our code they are called as everything is. */
export const withUsualNames = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [usualNames[name] ?? name, value]));

/** JSON lines on stderr: stdout belongs to data. Secrets are kept out by their types first; redaction is the second net. */
export function createLog(process: string, level: string): Log {
  const log = pino(
    {
      level,
      base: { process },
      formatters: { log: withUsualNames },
      // Whatever is said on the way of a traced request says whose it is.
      mixin: () => {
        const traceId = currentTraceId();
        return traceId === undefined ? {} : { traceId };
      },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      redact: {
        paths: [
          'authorization',
          '*.authorization',
          'token',
          '*.token',
          'secret',
          '*.secret',
          'password',
          '*.password',
          'headers',
        ],
        censor: '[redacted]',
      },
    },
    createLogWriter({
      onTakesAgain: ({ lines, since }) =>
        log.warn(
          { event: 'log.lost', lines, since: since.toISOString() },
          `${plural(lines, 'line')} of this log lost since ${since.toISOString()}: its disk was full, or its reader slow`,
        ),
    }),
  );
  return log;
}
