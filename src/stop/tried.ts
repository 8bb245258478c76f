import type { IncomingMessage } from 'node:http';
import type { ErrorCode } from '../core/errors.ts';
import { parseScopeKey } from '../core/scope-key.ts';
import type { RefusedAttempt } from '../store/refused-attempts.ts';
import { readJson } from './answer.ts';

/** For the record of who was refused: as much as is known by then. */
export interface Tried {
  door: RefusedAttempt['door'];
  source: string;
  subject: string;
  /** `source` is a name; else the address that it came from. */
  isNamed: boolean;
}

const unread = 'a stop';
const doors: readonly RefusedAttempt['door'][] = ['console', 'cli'];

/** That it was nobody, or somebody who may not; what is merely misspelt is no attempt at anything. */
const codesOfAttempts: ReadonlySet<ErrorCode> = new Set(['unauthenticated', 'foreign-environment', 'forbidden']);
export const isAttempt = (code: ErrorCode): boolean => codesOfAttempts.has(code);

/** Only where no name is known by then is it worth to ask whose that was. Signed in, and refused all the same: they may stop nothing. */
export function refusedAs(
  because: ErrorCode,
  { door, source, subject, isNamed }: Tried,
  shown: string | undefined,
): RefusedAttempt {
  const attempt = { door, source, subject, because };
  if (isNamed || shown === undefined || because === 'foreign-environment') return attempt;
  return { ...attempt, because: 'unauthenticated', shown, ifKnown: 'forbidden' satisfies ErrorCode };
}

export const triedBy = (source: string): Tried => ({ door: 'api', source, subject: unread, isNamed: false });

/** Whatever else somebody writes there is not repeated. */
export function noteOrder(tried: Tried, body: unknown): void {
  if (typeof body !== 'object' || body === null) return;
  const { scopeKey, scope = scopeKey, method } = body as Readonly<Record<string, unknown>>; // each is looked at before it is believed
  if (typeof scope === 'string' && parseScopeKey(scope) !== undefined) tried.subject = scope;
  tried.door = doors.find((one) => one === method) ?? 'api';
}

/** Of somebody who is known and may not stop anything, for the record alone: nothing that may not be done is read before. */
export async function readWhatWasTried(tried: Tried, request: IncomingMessage): Promise<void> {
  if (tried.subject !== unread) return;
  noteOrder(tried, await readJson(request).catch(() => undefined));
}
