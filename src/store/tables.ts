import type { Compilable, Kysely } from 'kysely';
import type { Store } from './pool.ts';
import type { Row } from './row.ts';
import { storeError } from './store-error.ts';

/**
 * Columns that plain lists filter and order by. Kysely builds those lists; the protocol's own calls are functions, by plain `pg`.
 * What comes back is parsed by the reader of its noun (stopOf, taskOf ..), so these types promise nothing to anybody else.
 */
export interface Tables {
  stops: { stop_id: string; epoch: number; scope_key: string; latched_at: string; reset_at: string | null };
  stop_progress: { stop_id: string; proved_at: string | null };
  tasks: {
    task_id: string;
    agent_id: string;
    root_id: string;
    parent_id: string | null;
    state: string;
    registered_at: string;
    keys: readonly string[];
  };
  grants: {
    grant_id: string;
    task_id: string;
    agent_id: string;
    intended_at: string;
    name: string;
    keys: unknown;
    epoch: number;
    connector: string;
    target: string;
    shared: boolean;
    handle: unknown;
    state: string;
    absolute_end: string;
    asked_at: string | null;
    issued_at: string | null;
    ended_at: string | null;
    end_reason: string | null;
  };
  obligations: {
    obligation_id: string;
    cause_id: string;
    agent_id: string;
    state: string;
    opened_at: string;
    final_at: string | null;
  };
  approvals: {
    approval_id: string;
    task_id: string;
    agent_id: string;
    state: string;
    requested_at: string;
    expires_at: string;
  };
  calls: { call_id: string; task_id: string; agent_id: string; tool_key: string; admitted_at: string };
  audit: { seq: number; at: string; kind: string; actor: string; subject: string };
  agents: { agent_id: string; retired_at: string | null };
  tool_pins: {
    server_id: string;
    tool: string;
    hash: string;
    definition: string;
    tier: string;
    labels: readonly string[];
    because: string;
    look: string;
    resembles: string | null;
    state: string;
    first_seen_at: string;
    last_seen_at: string;
    accepted_by: string | null;
    accepted_at: string | null;
  };
}

const builders = new WeakMap<Store, Promise<Kysely<Tables>>>();

/** Loaded when the first list is asked for: it is 250 modules, a quarter of what a gateway loads to start, and gateways and stops list nothing. */
export function tables(store: Store): Promise<Kysely<Tables>> {
  const known = builders.get(store);
  if (known !== undefined) return known;
  const made = build(store);
  builders.set(store, made);
  return made;
}

async function build(store: Store): Promise<Kysely<Tables>> {
  const { Kysely, PostgresDialect } = await import('kysely');
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: store }) }).withSchema('estop');
}

/** The rows of a list. Planned anew each time: a plan that was made while a table was small would be kept when it has grown. */
export async function rowsOf(store: Store, query: Compilable): Promise<readonly Row[]> {
  const { sql, parameters } = query.compile();
  try {
    return (await store.query<Row>(sql, [...parameters])).rows;
  } catch (thrown) {
    throw storeError(thrown);
  }
}
