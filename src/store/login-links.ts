import { call, callOne, type Store } from './pool.ts';
import { bool, bytesOrUndefined, text, word } from './row.ts';
import type { NewSignIn } from './sign-ins.ts';

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

export interface LoginLink {
  readonly name: string;
  readonly basis: Uint8Array;
  /** False: it was used, or its time has passed. */
  readonly isOpen: boolean;
}

/** Whom it is or was for. Looking does not use it up. */
export async function loginLinkOf(store: Store, codeHash: Uint8Array): Promise<LoginLink | undefined> {
  const query = 'SELECT name, basis, is_open FROM estop.login_link_of($1)';
  const [row] = await call(store, 'login_link_of', query, [Buffer.from(codeHash)]);
  return row === undefined
    ? undefined
    : {
        name: text(row, 'name'),
        basis: bytesOrUndefined(row, 'basis') ?? new Uint8Array(),
        isOpen: bool(row, 'is_open'),
      };
}

/** `over`: it was used before, its time has passed, or it was never made. */
export async function redeemLoginLink(
  store: Store,
  codeHash: Uint8Array,
  made: NewSignIn,
): Promise<'begun' | 'over' | 'disabled'> {
  const values = [
    Buffer.from(codeHash),
    made.personId,
    made.signInId,
    Buffer.from(made.secretHash),
    made.agent,
    made.idleMs,
    made.lifeMs,
  ];
  const query = 'SELECT estop.redeem_login_link($1, $2, $3, $4, $5, $6, $7) AS outcome';
  const row = await callOne(store, 'redeem_login_link', query, values);
  return word(row, 'outcome', ['begun', 'over', 'disabled'] as const);
}
