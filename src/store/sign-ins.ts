import { call, callOne, type Store } from './pool.ts';
import { bool, bytesOrUndefined, json, present, type Row, text, word } from './row.ts';

const methods = ['link', 'oidc', 'device'] as const;

/** Who a secret stands for at the moment of the question. */
export interface SignInRecord {
  readonly signInId: string;
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  readonly person: string;
  /** As control worked it out; parsed by whoever uses it. */
  readonly mandates: unknown;
  readonly method: (typeof methods)[number];
  /** Hash of the token that it was made from. */
  readonly basis?: Uint8Array;
  readonly endsAt: string;
}

export interface NewSignIn {
  readonly signInId: string;
  readonly secretHash: Uint8Array;
  /** What the browser or terminal says of itself, for the list of sign-ins. */
  readonly agent: string;
  readonly idleMs: number;
  readonly lifeMs: number;
}

/** Undefined for a secret that is unknown, over, or of somebody who was disabled. */
export async function signInOf(store: Store, secretHash: Uint8Array): Promise<SignInRecord | undefined> {
  const [row] = await call(store, 'sign_in_of', 'SELECT * FROM estop.sign_in_of($1)', [Buffer.from(secretHash)]);
  return row === undefined ? undefined : recordOf(row);
}

export async function endSignIn(store: Store, signInId: string, actor: string): Promise<boolean> {
  const row = await callOne(store, 'end_sign_in', 'SELECT estop.end_sign_in($1, $2) AS ended', [signInId, actor]);
  return bool(row, 'ended');
}

export interface NewLoginLink {
  readonly codeHash: Uint8Array;
  readonly name: string;
  readonly person: string;
  readonly mandates: unknown;
  readonly basis: Uint8Array;
  readonly lifeMs: number;
}

export async function makeLoginLink(store: Store, link: NewLoginLink): Promise<string> {
  const { codeHash, name, person, mandates, basis, lifeMs } = link;
  const values = [Buffer.from(codeHash), name, person, JSON.stringify(mandates), Buffer.from(basis), lifeMs];
  const query = 'SELECT estop.make_login_link($1, $2, $3, $4, $5, $6) AS expires_at';
  return text(await callOne(store, 'make_login_link', query, values), 'expires_at');
}

/** Whom it is for. Looking does not use it up. */
export async function loginLinkOf(
  store: Store,
  codeHash: Uint8Array,
): Promise<{ readonly name: string; readonly basis: Uint8Array } | undefined> {
  const query = 'SELECT name, basis FROM estop.login_link_of($1)';
  const [row] = await call(store, 'login_link_of', query, [Buffer.from(codeHash)]);
  return row === undefined
    ? undefined
    : { name: text(row, 'name'), basis: bytesOrUndefined(row, 'basis') ?? new Uint8Array() };
}

/** False if it was used before, is over or was never made. */
export async function redeemLoginLink(store: Store, codeHash: Uint8Array, made: NewSignIn): Promise<boolean> {
  const values = [
    Buffer.from(codeHash),
    made.signInId,
    Buffer.from(made.secretHash),
    made.agent,
    made.idleMs,
    made.lifeMs,
  ];
  const query = 'SELECT estop.redeem_login_link($1, $2, $3, $4, $5, $6) AS redeemed';
  return bool(await callOne(store, 'redeem_login_link', query, values), 'redeemed');
}

function recordOf(row: Row): SignInRecord {
  return {
    signInId: text(row, 'sign_in_id'),
    issuer: text(row, 'issuer'),
    subject: text(row, 'subject'),
    name: text(row, 'name'),
    person: text(row, 'person'),
    mandates: json(row, 'mandates'),
    method: word(row, 'method', methods),
    endsAt: text(row, 'ends_at'),
    ...present({ basis: bytesOrUndefined(row, 'basis') }),
  };
}
