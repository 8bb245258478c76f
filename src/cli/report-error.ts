import { EstopError, errorCatalogue, errorCodeOf } from '../core/errors.ts';
import { type ExitCode, exitCodeOf } from './exit-code.ts';
import type { Terminal } from './terminal.ts';
import { visible, visibleLines } from './visible.ts';

/** One sentence for a person, one object for a machine, one exit code for a script. */
export function reportError(terminal: Terminal, thrown: unknown): ExitCode {
  const code = errorCodeOf(thrown);
  const error = thrown instanceof EstopError ? thrown : undefined; // made in this very process by the SDK or by us
  const title = errorCatalogue[code].title;
  if (terminal.format !== 'text') {
    terminal.data(
      JSON.stringify({ kind: 'error', code, title, detail: error?.detail ?? null, errors: error?.fields ?? [] }),
    );
    return exitCodeOf(code);
  }
  const detail = error?.detail ?? (code === 'internal' && thrown instanceof Error ? thrown.message : undefined);
  terminal.say(`${terminal.paint.red('error')} ${title}`);
  for (const line of detail === undefined ? [] : visibleLines(detail)) terminal.say(`  ${line}`);
  for (const field of error?.fields ?? []) terminal.say(`  ${visible(field.pointer)}: ${visible(field.message)}`);
  if (code === 'unauthenticated')
    terminal.say('  Set ESTOP_TOKEN, or run this in the folder of a running "estop dev".');
  return exitCodeOf(code);
}
