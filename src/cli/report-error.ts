import { mayBeDone } from '../contract/may-be-done.ts';
import { type ErrorCode, EstopError, errorCatalogue, errorCodeOf } from '../core/errors.ts';
import { type ExitCode, exitCodeOf } from './exit-code.ts';
import type { MutationKey } from './mutation-key.ts';
import type { Terminal } from './terminal.ts';
import type { Versions } from './versions.ts';
import { visible, visibleLines } from './visible.ts';

/** These are what an API of another version comes to: a path, a field or a word that only one of the two knows. */
const mayBeOfVersions: ReadonlySet<ErrorCode> = new Set([
  'not-found',
  'method-not-allowed',
  'invalid-input',
  'bad-answer',
  'internal',
]);

/** Nothing that was typed is wrong: a part does not answer. */
const isAway: ReadonlySet<ErrorCode> = new Set([
  'unreachable',
  'store-unavailable',
  'temporal-unavailable',
  'provider-unavailable',
]);

interface Call {
  readonly key: MutationKey;
  readonly versions: Versions;
}

/** What went wrong, and of an answer that could not be read why that may be. */
export function whatWentWrong(
  thrown: unknown,
  versions?: Versions,
): { readonly code: ErrorCode; readonly title: string; readonly detail?: string; readonly advice?: string } {
  const found = errorCodeOf(thrown);
  const advice = mayBeOfVersions.has(found) ? versions?.advice() : undefined;
  const isOurs = thrown instanceof EstopError; // made in this very process by the SDK or by us
  // What stumbled here over an answer of another version found nothing wrong inside.
  const code = found === 'internal' && !isOurs && advice !== undefined ? 'bad-answer' : found;
  const detail = isOurs ? thrown.detail : code === 'internal' && thrown instanceof Error ? thrown.message : undefined;
  return {
    code,
    title: errorCatalogue[code].title,
    ...(detail === undefined ? {} : { detail }),
    ...(advice === undefined ? {} : { advice }),
  };
}

/** One sentence for a person, one object for a machine, one exit code for a script. */
export function reportError(terminal: Terminal, thrown: unknown, call?: Call): ExitCode {
  const { code, title, detail, advice } = whatWentWrong(thrown, call?.versions);
  const error = thrown instanceof EstopError ? thrown : undefined; // made in this very process by the SDK or by us
  const key = call?.key.isSent() === true && mayBeDone(code) ? call.key.key : undefined;
  if (terminal.format !== 'text') {
    terminal.data(
      JSON.stringify({
        kind: 'error',
        code,
        title,
        detail: error?.detail ?? null,
        errors: error?.fields ?? [],
        ...(advice === undefined ? {} : { advice }),
        ...(key === undefined ? {} : { idempotencyKey: key }),
      }),
    );
    return exitCodeOf(code);
  }
  terminal.say(`${terminal.paint.red('error')} ${title}`);
  for (const line of detail === undefined ? [] : visibleLines(detail)) terminal.say(`  ${line}`);
  // Those of a file stand in the detail already, each with its line.
  for (const field of code === 'config-invalid' ? [] : (error?.fields ?? []))
    terminal.say(`  ${visible(field.pointer)}: ${visible(field.message)}`);
  if (advice !== undefined) terminal.say(`  ${visible(advice)}`);
  if (key !== undefined)
    terminal.say(
      `  It may have been done. Try again with --idempotency-key ${visible(key)}, which does it at most once.`,
    );
  if (isAway.has(code)) terminal.say('  What is away, and what that means for a stop: estop doctor');
  // Whoever was told already how to sign in needs no other way.
  if (code === 'unauthenticated' && detail?.includes('estop login') !== true)
    terminal.say('  Set ESTOP_TOKEN, or run this in the folder of a running "estop dev".');
  return exitCodeOf(code);
}
