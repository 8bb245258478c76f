import { call, type Queryable } from './pool.ts';
import { bytesOrUndefined, present, text, texts, word } from './row.ts';

/** Somebody or something that may stop: a sign-in or an API token. */
export interface StopRight {
  readonly kind: 'sign-in' | 'token';
  readonly id: string;
  readonly hash: Uint8Array;
  readonly basis?: Uint8Array;
  readonly actor: string;
  readonly person: string;
  /** The scope keys that it may stop; absent: all. */
  readonly scopes?: readonly string[];
  readonly endsAt: string;
}

/** The whole list: what was on the one before and is not on this has lost its right. */
export async function stopRights(db: Queryable): Promise<readonly StopRight[]> {
  const rows = await call(db, 'stop_rights', 'SELECT * FROM estop.stop_rights() WHERE kind IS NOT NULL', []);
  return rows.map((row) => ({
    kind: word(row, 'kind', ['sign-in', 'token'] as const),
    id: text(row, 'id'),
    hash: bytesOrUndefined(row, 'hash') ?? new Uint8Array(),
    actor: text(row, 'actor'),
    person: text(row, 'person'),
    endsAt: text(row, 'ends_at'),
    ...present({
      basis: bytesOrUndefined(row, 'basis'),
      scopes: row['scopes'] === null ? undefined : texts(row, 'scopes'),
    }),
  }));
}
