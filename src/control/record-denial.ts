import type { Identity } from '../contract/identity.ts';
import type { ErrorCode } from '../core/errors.ts';
import { appendAudit } from '../store/audit.ts';
import type { ControlDeps } from './deps.ts';

const codesOfDenials: ReadonlySet<ErrorCode> = new Set([
  'forbidden',
  'approval-not-eligible',
  'approval-unseen',
  'unknown-approval',
]);

/**
 * Attempts that were refused belong into the story of an incident. Best effort: a refusal stands without its record. Of somebody who
 * tries without end the rest is counted: a token that may do nothing is not to fill the audit either.
 */
export async function recordDenial(
  deps: ControlDeps,
  identity: Identity,
  what: string,
  path: string,
  code: ErrorCode,
): Promise<void> {
  if (!codesOfDenials.has(code)) return;
  if (deps.refused?.standsAlone(identity.actor) === false)
    return deps.refused.note({ door: 'api', source: identity.actor, subject: what, because: code });
  try {
    await appendAudit(deps.store, {
      kind: 'request.denied',
      actor: identity.actor,
      subject: path.slice(0, 400),
      detail: { what, code },
    });
  } catch {
    deps.log.warn({ event: 'audit.lost', actor: identity.actor, what, code }, 'a refusal could not be recorded');
  }
}
