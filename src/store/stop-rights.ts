import { call, type Queryable } from './pool.ts';
import { bytesOrUndefined, int, intOrUndefined, present, type Row, text, texts, word } from './row.ts';

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
  /** From the moment of the question. */
  readonly lastsMs: number;
  /** A role that was taken for a while: until then everything, and under this name. */
  readonly wider?: { readonly actor: string; readonly lastsMs: number };
}

/** The whole list: what was on the one before and is not on this has lost its right. */
export async function stopRights(db: Queryable): Promise<readonly StopRight[]> {
  const query = `SELECT r.*, floor(extract(epoch FROM r.lasts) * 1000)::bigint AS lasts_ms,
    floor(extract(epoch FROM r.wide_lasts) * 1000)::bigint AS wide_lasts_ms FROM estop.stop_rights() r`;
  const rows = await call(db, 'stop_rights', query, []);
  return rows.map((row) => ({
    kind: word(row, 'kind', ['sign-in', 'token'] as const),
    id: text(row, 'id'),
    hash: bytesOrUndefined(row, 'hash') ?? new Uint8Array(),
    actor: text(row, 'actor'),
    person: text(row, 'person'),
    lastsMs: int(row, 'lasts_ms'),
    ...present({
      basis: bytesOrUndefined(row, 'basis'),
      scopes: row['scopes'] === null ? undefined : texts(row, 'scopes'),
      wider: widerIn(row),
    }),
  }));
}

function widerIn(row: Row): StopRight['wider'] {
  const lastsMs = intOrUndefined(row, 'wide_lasts_ms');
  return lastsMs === undefined ? undefined : { actor: text(row, 'wide_actor'), lastsMs };
}
