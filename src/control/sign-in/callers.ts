import type { ConfigSource } from '../../contract/config.ts';
import { defaultSignIn } from '../../contract/config.ts';
import type { Authenticator, Identity, Log, Role } from '../../contract/identity.ts';
import type { PersonRole } from '../../core/mandate.ts';
import { datedAs, includesRole, type Mandate, mandatesOf, personNamed, personRoles } from '../../core/mandate.ts';
import { apiTokenOf, type HeldApiToken } from '../../store/api-tokens.ts';
import { setMandates } from '../../store/people.ts';
import type { Store } from '../../store/pool.ts';
import { type SignInRecord, signInOf } from '../../store/sign-ins.ts';
import { mandatesIn, rolesIn } from './mandates-in.ts';
import { secretHash } from './sign-in-cookie.ts';

/** Whoever asks: a person in a browser or a terminal, or a program with a token. */
export interface Caller extends Identity {
  /** Which of this person's sign-ins it is. */
  readonly signInId?: string;
  readonly personId?: string;
  /** What is theirs also when `elevation` is over. */
  readonly standing?: readonly Mandate[];
  /** The store could not be asked: good for a stop, which does not need it, and for nothing that does. */
  readonly isFromMemory?: boolean;
  /** Nor is anything remembered: whoever holds this cookie may be nobody. */
  readonly isUnknown?: boolean;
  /** Set where it is an API token. */
  readonly tokenId?: string;
  /** Hash of the token that it all rests on; what is made from here rests on it too. */
  readonly basis?: Uint8Array;
  /** Of whom neither a token nor the ledger knows: the key under which control says that they may approve. */
  readonly listedAs?: string;
}

export interface Credential {
  readonly kind: 'cookie' | 'bearer';
  readonly secret: string;
}

/** Who secrets stand for that the store knows. */
export interface Callers {
  find(credential: Credential): Promise<Caller | undefined>;
  /** For streams, which cannot wait: what was last heard, and never older than a few seconds while anybody asks. */
  remembered(credential: Credential): Caller | undefined;
  /** What was heard before the store went away, however old: for a stop alone. */
  lastKnown(credential: Credential): Caller | undefined;
}

interface CallersDeps {
  readonly store: Store;
  readonly authenticator: Authenticator;
  readonly config: ConfigSource;
  readonly log: Log;
  /** Services that come with a JWT. */
  readonly services?: (jwt: string) => Promise<Identity | undefined>;
}

/** Well under the 5 s within which a change of roles has to bite. */
const freshMs = 1_500;
/** A stream whose caller could not be looked up for so long ends: its reader comes back. */
const staleMs = 4_500;
const mostRemembered = 10_000;
/** A service may come with another token each time: its tokens push nobody else out. */
const mostServices = 1_000;
const jwtPattern = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const tokenPattern = /^estop_[a-z][a-z0-9]{0,15}_[A-Za-z0-9_-]{43}$/;

export function createCallers(deps: CallersDeps): Callers {
  type Memory = Map<string, { readonly caller: Caller; readonly at: number }>;
  const [people, services]: [Memory, Memory] = [new Map(), new Map()];
  const memoryOf = (credential: Credential): Memory => (isJwt(credential) ? services : people);
  const asking = new Set<string>();
  const keyOf = ({ kind, secret }: Credential): string => `${kind} ${Buffer.from(secretHash(secret)).toString('hex')}`;
  const find = async (credential: Credential): Promise<Caller | undefined> => {
    const caller = await lookUp(credential, deps);
    const key = keyOf(credential);
    const memory = memoryOf(credential);
    memory.delete(key);
    if (memory.size >= (memory === services ? mostServices : mostRemembered))
      memory.delete(memory.keys().next().value ?? '');
    if (caller !== undefined) memory.set(key, { caller, at: performance.now() });
    return caller;
  };
  const askAgain = (credential: Credential, key: string): void => {
    if (asking.has(key)) return;
    asking.add(key);
    void find(credential)
      .catch(() => undefined) // the store is away: what was heard grows old
      .finally(() => asking.delete(key));
  };
  return {
    find,
    remembered: (credential) => {
      const key = keyOf(credential);
      const held = memoryOf(credential).get(key);
      if (held === undefined) return undefined;
      const age = performance.now() - held.at;
      if (age > freshMs) askAgain(credential, key);
      return age > staleMs ? undefined : held.caller;
    },
    lastKnown: (credential) => memoryOf(credential).get(keyOf(credential))?.caller,
  };
}

const isJwt = ({ kind, secret }: Credential): boolean => kind === 'bearer' && jwtPattern.test(secret);

async function lookUp(credential: Credential, deps: CallersDeps): Promise<Caller | undefined> {
  const { kind, secret } = credential;
  if (isJwt(credential)) return deps.services?.(secret);
  if (kind === 'bearer' && !tokenPattern.test(secret)) return undefined;
  const hash = secretHash(secret);
  if (kind === 'bearer') {
    const token = await apiTokenOf(deps.store, hash);
    if (token !== undefined) return callerByToken(token, deps.authenticator);
  }
  const record = await signInOf(deps.store, hash);
  // The secret of a browser is no token of a terminal, nor the other way round.
  if (record === undefined || (record.method === 'device') !== (kind === 'bearer')) return undefined;
  return callerBySignIn(record, deps);
}

function callerByToken(held: HeldApiToken, authenticator: Authenticator): Caller | undefined {
  const mandates = mandatesIn(held.mandates);
  const identity = { actor: held.name, person: held.person, tokenId: held.tokenId };
  const roles = rolesIn(held.mandates);
  if (held.basis === undefined) return { ...identity, roles, mandates };
  const standing = authenticator.standingOf?.(held.basis);
  if (standing === undefined) return undefined;
  const isStill = (role: Role): boolean => standing.roles.some((held) => includesRole(held, role));
  return {
    ...identity,
    roles: roles.filter(isStill),
    mandates: mandates.filter(({ role }) => isStill(role)),
    basis: held.basis,
  };
}

function callerBySignIn(record: SignInRecord, deps: CallersDeps): Caller | undefined {
  const { signInId, personId, basis } = record;
  // What a token gives is read from the token's own list, now: taken away there, it is gone here.
  if (basis !== undefined) {
    const standing = deps.authenticator.standingOf?.(basis);
    return standing === undefined ? undefined : { ...standing, signInId, personId, basis };
  }
  const spec = deps.config.current().signIn ?? defaultSignIn;
  const held = mandatesIn(record.mandates);
  const known = { names: [record.name, `sub:${record.subject}`], groups: record.groups };
  // What the ledger does not know yet was given now, by the clock that dates calls.
  const mandates = datedAs(mandatesOf(known, spec.roles), held, record.asOf);
  const person = personNamed(record.name, spec.persons);
  if (person !== record.person || JSON.stringify(mandates) !== JSON.stringify(held))
    void remember(deps, personId, person, mandates);
  const elevation = elevationIn(record);
  return {
    actor: record.name,
    person,
    signInId,
    personId,
    roles: [
      ...mandates.filter(({ labels }) => labels === undefined).map(({ role }) => role),
      ...(elevation === undefined ? [] : [elevation.role]),
    ],
    mandates: elevation === undefined ? mandates : [...mandates, { role: elevation.role, since: elevation.since }],
    ...(elevation === undefined
      ? {}
      : {
          elevation: { elevationId: elevation.elevationId, role: elevation.role, until: elevation.until },
          standing: mandates,
        }),
  };
}

function elevationIn({ elevation }: SignInRecord) {
  const role = personRoles.find((one): one is PersonRole => one === elevation?.role);
  return elevation === undefined || role === undefined ? undefined : { ...elevation, role };
}

/** The ledger is told what counts already, for whoever cannot read estop.yaml: the stop process. */
async function remember(
  { store, log }: CallersDeps,
  personId: string,
  person: string,
  mandates: readonly Mandate[],
): Promise<void> {
  try {
    await setMandates(store, personId, person, mandates);
  } catch {
    log.warn({ event: 'people.not-recorded', personId }, 'a change of roles counts, and is not in the ledger yet');
  }
}
