import type { Authenticator, Identity, Mandate, Role } from '../../contract/identity.ts';
import type { Store } from '../../store/pool.ts';
import { type SignInRecord, signInOf } from '../../store/sign-ins.ts';
import { secretHash } from './sign-in-cookie.ts';

/** Whoever asks: a person in a browser, or the holder of a token. */
export interface Caller extends Identity {
  /** Set where a cookie was shown: which of this person's sign-ins it is. */
  readonly signInId?: string;
}

/** Who the secrets in cookies stand for. */
export interface SignIns {
  find(secret: string): Promise<Caller | undefined>;
  /** For streams, which cannot wait: what was last heard, and never older than a few seconds while anybody asks. */
  remembered(secret: string): Caller | undefined;
}

/** Well under the 5 s within which a change of roles has to bite. */
const freshMs = 1_500;
/** A stream that could not be looked up for that long ends: its reader signs in again. */
const staleMs = 4_500;
const mostRemembered = 10_000;

interface Remembered {
  readonly caller: Caller | undefined;
  readonly at: number;
}

export function createSignIns(deps: { readonly store: Store; readonly authenticator: Authenticator }): SignIns {
  const remembered = new Map<string, Remembered>();
  const asking = new Set<string>();
  const find = async (secret: string): Promise<Caller | undefined> => {
    const record = await signInOf(deps.store, secretHash(secret));
    const caller = record === undefined ? undefined : callerIn(record, deps.authenticator);
    remembered.delete(secret);
    if (remembered.size >= mostRemembered) remembered.delete(remembered.keys().next().value ?? '');
    if (caller !== undefined) remembered.set(secret, { caller, at: performance.now() });
    return caller;
  };
  const askAgain = (secret: string): void => {
    if (asking.has(secret)) return;
    asking.add(secret);
    void find(secret)
      .catch(() => undefined) // the store is away: what was heard grows old
      .finally(() => asking.delete(secret));
  };
  return {
    find,
    remembered: (secret) => {
      const held = remembered.get(secret);
      if (held === undefined) return undefined;
      const age = performance.now() - held.at;
      if (age > freshMs) askAgain(secret);
      return age > staleMs ? undefined : held.caller;
    },
  };
}

/** What a token gives is read from the token's own list, now: taken away there, it is gone here. */
function callerIn(record: SignInRecord, authenticator: Authenticator): Caller | undefined {
  const { signInId, name, person, basis } = record;
  if (basis !== undefined) {
    const standing = authenticator.standingOf?.(basis);
    return standing === undefined ? undefined : { ...standing, signInId };
  }
  const roles = mandatesIn(record.mandates).flatMap(({ role, labels }) => (labels === undefined ? [role] : []));
  return { actor: name, person, roles, signInId };
}

/** Written by this process alone; whatever else is there gives nothing. */
function mandatesIn(value: unknown): readonly Mandate[] {
  return Array.isArray(value) ? value.filter(isMandate) : [];
}

const isMandate = (value: unknown): value is Mandate =>
  typeof value === 'object' && value !== null && 'role' in value && isPersonRole(value.role);

const personRoles: readonly unknown[] = ['viewer', 'approver', 'operator', 'admin'] satisfies readonly Role[];
const isPersonRole = (value: unknown): boolean => personRoles.includes(value);
