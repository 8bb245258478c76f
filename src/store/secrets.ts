import { call, callOne, type Store } from './pool.ts';
import { bool, bytesOrUndefined, int, intOrUndefined, text, textOrUndefined, word } from './row.ts';
import { storeError } from './store-error.ts';

/** A secret without its value: nobody but a gateway ever gets more. */
export interface SecretRecord {
  readonly name: string;
  readonly keyId: string;
  /** 1 when it was set first; every rotation adds one. */
  readonly revision: number;
  readonly setBy: string;
  readonly setAt: string;
}

export interface SealedSecret {
  readonly sealed: Uint8Array;
  readonly keyId: string;
}

export type PutOutcome =
  | { readonly kind: 'set'; readonly revision: number }
  | { readonly kind: 'unknown' | 'exists' }
  /** Another secret has the same value, and this one may not. */
  | { readonly kind: 'shared'; readonly sameAs: string };

export async function putSecret(
  store: Store,
  wanted: {
    readonly name: string;
    readonly sealed: Uint8Array;
    readonly keyId: string;
    readonly fingerprint: string;
    /** Of the same value under every key that a secret may be sealed with, by key id. */
    readonly fingerprints: Readonly<Record<string, string>>;
    readonly mayShareWith: readonly string[];
    /** Undefined: either. */
    readonly mustExist?: boolean;
    readonly actor: string;
  },
): Promise<PutOutcome> {
  const row = await callOne(
    store,
    'put_secret',
    'SELECT outcome, revision, same_as FROM estop.put_secret($1, $2, $3, $4, $5, $6, $7, $8)',
    [
      wanted.name,
      Buffer.from(wanted.sealed),
      wanted.keyId,
      wanted.fingerprint,
      JSON.stringify(wanted.fingerprints),
      wanted.mayShareWith,
      wanted.mustExist ?? null,
      wanted.actor,
    ],
  );
  const kind = word(row, 'outcome', ['set', 'unknown', 'exists', 'shared'] as const);
  switch (kind) {
    case 'set':
      return { kind, revision: intOrUndefined(row, 'revision') ?? 0 };
    case 'shared':
      return { kind, sameAs: textOrUndefined(row, 'same_as') ?? '' };
    default:
      return { kind };
  }
}

/** False: there is none of that name. */
export async function removeSecret(store: Store, name: string, actor: string): Promise<boolean> {
  const query = 'SELECT estop.remove_secret($1, $2) AS removed';
  return bool(await callOne(store, 'remove_secret', query, [name, actor]), 'removed');
}

export async function listSecrets(store: Store): Promise<readonly SecretRecord[]> {
  const query = 'SELECT name, key_id, revision, set_by, set_at FROM estop.secrets ORDER BY name LIMIT 5000';
  return (await call(store, 'secrets', query, [])).map((row) => ({
    name: text(row, 'name'),
    keyId: text(row, 'key_id'),
    revision: int(row, 'revision'),
    setBy: text(row, 'set_by'),
    setAt: text(row, 'set_at'),
  }));
}

export interface SealedSecrets {
  readonly version: number;
  readonly secrets: ReadonlyMap<string, SealedSecret>;
}

/** For a gateway: those of these names that there are, and the version that they are of. */
export async function readSecrets(store: Store, names: readonly string[]): Promise<SealedSecrets> {
  const rows = await call(store, 'read_secrets', 'SELECT version, name, sealed, key_id FROM estop.read_secrets($1)', [
    names,
  ]);
  const [first] = rows;
  if (first === undefined) throw storeError({ code: 'XX000' });
  const secrets = new Map<string, SealedSecret>();
  for (const row of rows) {
    const sealed = bytesOrUndefined(row, 'sealed');
    if (sealed !== undefined) secrets.set(text(row, 'name'), { sealed, keyId: text(row, 'key_id') });
  }
  return { version: int(first, 'version'), secrets };
}

/** False: it is another one by now. */
export async function resealSecret(
  store: Store,
  name: string,
  before: Uint8Array,
  after: { readonly sealed: Uint8Array; readonly keyId: string; readonly fingerprint: string },
): Promise<boolean> {
  const row = await callOne(store, 'reseal_secret', 'SELECT estop.reseal_secret($1, $2, $3, $4, $5) AS resealed', [
    name,
    Buffer.from(before),
    Buffer.from(after.sealed),
    after.keyId,
    after.fingerprint,
  ]);
  return bool(row, 'resealed');
}
