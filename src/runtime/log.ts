import { pino } from 'pino';
import type { Log } from '../contract/identity.ts';

/** JSON lines on stderr: stdout belongs to data. Secrets are kept out by their types first; redaction is the second net. */
export function createLog(process: string, level: string): Log {
  return pino(
    {
      level,
      base: { process },
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
    pino.destination({ dest: 2, sync: true }),
  );
}
