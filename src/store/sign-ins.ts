import { call, callOne, type Store } from './pool.ts';
import {
  bool,
  bytesOrUndefined,
  intOrUndefined,
  json,
  present,
  type Row,
  text,
  textOrUndefined,
  texts,
  word,
} from './row.ts';

const methods = ['link', 'oidc', 'device'] as const;
export type SignInMethod = (typeof methods)[number];

/** Who a secret stands for at the moment of the question. */
export interface SignInRecord {
  readonly signInId: string;
  readonly personId: string;
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  /** Whom to take it for, wherever two people are needed. */
  readonly person: string;
  readonly groups: readonly string[];
  /** As control worked it out; parsed by whoever uses it. */
  readonly mandates: unknown;
  readonly method: SignInMethod;
  /** Hash of the token that it was made from. */
  readonly basis?: Uint8Array;
  readonly endsAt: string;
  /** The moment of the question, by the store's clock. */
  readonly asOf: string;
  readonly elevation?: ActiveElevation;
}

export interface ActiveElevation {
  readonly elevationId: string;
  readonly role: string;
  readonly since: string;
  readonly until: string;
}

export interface NewSignIn {
  readonly signInId: string;
  /** Used if this person was never here before. */
  readonly personId: string;
  readonly secretHash: Uint8Array;
  /** What the browser or terminal says of itself, for the list of sign-ins. */
  readonly agent: string;
  readonly idleMs: number;
  readonly lifeMs: number;
}

/** Whom an identity provider has named. */
export interface NamedPerson {
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  readonly person: string;
  readonly groups: readonly string[];
  readonly mandates: unknown;
}

/** Undefined for a secret that is unknown, over, or of somebody who was disabled. */
export async function signInOf(store: Store, secretHash: Uint8Array): Promise<SignInRecord | undefined> {
  const [row] = await call(store, 'sign_in_of', 'SELECT * FROM estop.sign_in_of($1)', [Buffer.from(secretHash)]);
  return row === undefined ? undefined : recordOf(row);
}

export async function beginSignIn(
  store: Store,
  whose: NamedPerson,
  made: NewSignIn & { readonly method: 'oidc' | 'device'; readonly issuerSid?: string },
): Promise<'begun' | 'disabled'> {
  const values = [
    made.personId,
    whose.issuer,
    whose.subject,
    whose.name,
    whose.person,
    [...whose.groups],
    JSON.stringify(whose.mandates),
    made.signInId,
    Buffer.from(made.secretHash),
    made.method,
    made.issuerSid ?? null,
    made.agent,
    made.idleMs,
    made.lifeMs,
  ];
  const query = 'SELECT estop.begin_sign_in($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS outcome';
  return word(await callOne(store, 'begin_sign_in', query, values), 'outcome', ['begun', 'disabled'] as const);
}

export async function endSignIn(store: Store, signInId: string, actor: string): Promise<boolean> {
  const row = await callOne(store, 'end_sign_in', 'SELECT estop.end_sign_in($1, $2) AS ended', [signInId, actor]);
  return bool(row, 'ended');
}

/** What a provider has said, and for how long it might be believed if it were said again. */
export interface SignOutWord {
  readonly hash: Uint8Array;
  readonly memoryMs: number;
}

/**
 * A sign-out that begins at the provider: of one session there, or of a person altogether. How many it ended; undefined: this word was
 * heard before, here or in another process.
 */
export async function endSignInsOf(
  store: Store,
  issuer: string,
  which: { readonly subject?: string; readonly issuerSid?: string },
  { hash, memoryMs }: SignOutWord,
): Promise<number | undefined> {
  const values = [issuer, which.subject ?? null, which.issuerSid ?? null, Buffer.from(hash), memoryMs];
  const query = 'SELECT estop.end_sign_ins_of($1, $2, $3, $4, $5) AS ended';
  return intOrUndefined(await callOne(store, 'end_sign_ins_of', query, values), 'ended');
}

export interface SignInSummary {
  readonly signInId: string;
  readonly personId: string;
  readonly name: string;
  readonly method: SignInMethod;
  readonly agent: string;
  readonly madeAt: string;
  readonly seenAt: string;
  readonly endsAt: string;
}

/** Those that are not over, the last used first; of one person or of all. */
export async function listSignIns(store: Store, personId?: string): Promise<readonly SignInSummary[]> {
  const query = `SELECT s.sign_in_id, s.person_id, p.name, s.method, s.agent, s.made_at, s.seen_at,
      least(s.ends_at, s.seen_at + make_interval(secs => s.idle_ms / 1000.0)) AS ends_at
    FROM estop.sign_ins s JOIN estop.people p USING (person_id)
    WHERE s.ended_at IS NULL AND s.elapsed_at IS NULL AND s.ends_at > clock_timestamp() AND p.disabled_at IS NULL
      AND s.seen_at + make_interval(secs => s.idle_ms / 1000.0) > clock_timestamp() AND ($1::text IS NULL OR s.person_id = $1)
    ORDER BY s.seen_at DESC LIMIT 1000`;
  return (await call(store, 'list_sign_ins', query, [personId ?? null])).map((row) => ({
    signInId: text(row, 'sign_in_id'),
    personId: text(row, 'person_id'),
    name: text(row, 'name'),
    method: word(row, 'method', methods),
    agent: text(row, 'agent'),
    madeAt: text(row, 'made_at'),
    seenAt: text(row, 'seen_at'),
    endsAt: text(row, 'ends_at'),
  }));
}

export interface Attempt {
  readonly nonce: string;
  readonly verifier: string;
  readonly next: string;
}

export async function beginAttempt(
  store: Store,
  attempt: Attempt & { readonly stateHash: Uint8Array; readonly browserHash: Uint8Array; readonly lifeMs: number },
): Promise<void> {
  const { stateHash, browserHash, nonce, verifier, next, lifeMs } = attempt;
  const values = [Buffer.from(stateHash), Buffer.from(browserHash), nonce, verifier, next, lifeMs];
  await call(store, 'begin_attempt', 'SELECT estop.begin_attempt($1, $2, $3, $4, $5, $6)', values);
}

/** Once, and only for the browser that began it. */
export async function takeAttempt(
  store: Store,
  stateHash: Uint8Array,
  browserHash: Uint8Array,
): Promise<Attempt | undefined> {
  const values = [Buffer.from(stateHash), Buffer.from(browserHash)];
  const query = 'SELECT nonce, verifier, next FROM estop.take_attempt($1, $2)';
  const [row] = await call(store, 'take_attempt', query, values);
  return row === undefined
    ? undefined
    : { nonce: text(row, 'nonce'), verifier: text(row, 'verifier'), next: text(row, 'next') };
}

function recordOf(row: Row): SignInRecord {
  const elevationId = textOrUndefined(row, 'elevation_id');
  return {
    signInId: text(row, 'sign_in_id'),
    personId: text(row, 'person_id'),
    issuer: text(row, 'issuer'),
    subject: text(row, 'subject'),
    name: text(row, 'name'),
    person: text(row, 'person'),
    groups: texts(row, 'groups'),
    mandates: json(row, 'mandates'),
    method: word(row, 'method', methods),
    endsAt: text(row, 'ends_at'),
    asOf: text(row, 'as_of'),
    ...present({ basis: bytesOrUndefined(row, 'basis') }),
    ...(elevationId === undefined
      ? {}
      : {
          elevation: {
            elevationId,
            role: text(row, 'elevated_role'),
            since: text(row, 'elevated_at'),
            until: text(row, 'elevated_until'),
          },
        }),
  };
}
