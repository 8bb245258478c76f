import { type ErrorCode, EstopError, errorCatalogue, errorCodeOf } from '../core/errors.ts';
import { type ExitCode, exitCodeOf } from './exit-code.ts';
import type { MutationKey } from './mutation-key.ts';
import type { Terminal } from './terminal.ts';
import { visible, visibleLines } from './visible.ts';

/** After these nobody can know whether the server did it. */
const mayBeDone: ReadonlySet<ErrorCode> = new Set([
  'unreachable',
  'bad-answer',
  'idempotency-in-flight',
  'store-unavailable',
  'temporal-unavailable',
  'internal',
]);

/** One sentence for a person, one object for a machine, one exit code for a script. */
export function reportError(terminal: Terminal, thrown: unknown, sent?: MutationKey): ExitCode {
  const code = errorCodeOf(thrown);
  const error = thrown instanceof EstopError ? thrown : undefined; // made in this very process by the SDK or by us
  const title = errorCatalogue[code].title;
  const key = sent?.isSent() === true && mayBeDone.has(code) ? sent.key : undefined;
  if (terminal.format !== 'text') {
    terminal.data(
      JSON.stringify({
        kind: 'error',
        code,
        title,
        detail: error?.detail ?? null,
        errors: error?.fields ?? [],
        ...(key === undefined ? {} : { idempotencyKey: key }),
      }),
    );
    return exitCodeOf(code);
  }
  const detail = error?.detail ?? (code === 'internal' && thrown instanceof Error ? thrown.message : undefined);
  terminal.say(`${terminal.paint.red('error')} ${title}`);
  for (const line of detail === undefined ? [] : visibleLines(detail)) terminal.say(`  ${line}`);
  // Those of a file stand in the detail already, each with its line.
  for (const field of code === 'config-invalid' ? [] : (error?.fields ?? []))
    terminal.say(`  ${visible(field.pointer)}: ${visible(field.message)}`);
  if (key !== undefined)
    terminal.say(
      `  It may have been done. Try again with --idempotency-key ${visible(key)}, which does it at most once.`,
    );
  // Whoever was told already how to sign in needs no other way.
  if (code === 'unauthenticated' && detail?.includes('estop login') !== true)
    terminal.say('  Set ESTOP_TOKEN, or run this in the folder of a running "estop dev".');
  return exitCodeOf(code);
}
