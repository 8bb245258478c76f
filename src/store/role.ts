/** The roles of the store, one per kind of process (docs/architecture.md), and what each may take from the server. */
export const storeRoles = [
  'estop_owner',
  'estop_latch',
  'estop_stop',
  'estop_control',
  'estop_gateway',
  'estop_trusted',
  'estop_revoker',
] as const;

export type StoreRole = (typeof storeRoles)[number];

interface RolePlan {
  /** Share of the server's connections, in percent. They add up to well under 100, so a stop's share is always free. */
  readonly share: number;
  readonly least: number;
  readonly settings: Readonly<Record<string, string>>;
}

/** A transaction that its client leaves open must not hold locks. Every call of ours is one autocommit statement. */
const idle = (limit: string): Readonly<Record<string, string>> => ({ idle_in_transaction_session_timeout: limit });

/** A process that vanished, machine and all, is missed in twenty seconds: its sessions would keep the few connections of a stop for two hours. */
const soonMissed = { tcp_keepalives_idle: '5', tcp_keepalives_interval: '5', tcp_keepalives_count: '3' } as const;

/** Below the lease (3 s): an allow path that waits longer has lost anyway. */
const allowPath = { lock_timeout: '1s', statement_timeout: '2500ms', ...idle('2s') } as const;

/**
 * A gateway and the mint look up single rows and short lists of them. Plans are kept: left to itself PostgreSQL plans anew whatever is
 * given a short list, because that looks cheaper than a longer one, and to plan it costs more than to run it. One that was made while a
 * table was small would read the whole of it when it has grown: only what goes by an index is left to choose from. Up to PostgreSQL 17 a
 * scan that is switched off, and needed all the same, has a price at which plans are compiled first.
 */
const byIndex = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  jit: 'off',
} as const;

export const rolePlans: Readonly<Record<StoreRole, RolePlan>> = {
  estop_owner: { share: 3, least: 2, settings: {} },
  /**
   * No statement_timeout: what cancels a latch while it waits for the standby turns a commit into a mere WARNING. The idle limit
   * ends only a session that sits in an open transaction, which is no acknowledgement either.
   */
  estop_latch: { share: 5, least: 3, settings: { ...idle('500ms'), ...soonMissed } },
  /**
   * A stop process holds seven, and two of them stand beside each other while one takes over. The time limit is long enough never to
   * meet a commit; it clears away attempts whose process has given up and gone through the intake.
   */
  estop_stop: { share: 16, least: 8, settings: { statement_timeout: '10s', ...idle('500ms'), ...soonMissed } },
  estop_control: { share: 16, least: 8, settings: allowPath },
  estop_gateway: { share: 24, least: 8, settings: { ...allowPath, ...byIndex } },
  estop_trusted: { share: 12, least: 6, settings: { ...allowPath, ...byIndex } },
  estop_revoker: { share: 14, least: 6, settings: { lock_timeout: '2s', statement_timeout: '30s', ...idle('2s') } },
};

export function connectionLimit(role: StoreRole, maxConnections: number): number {
  const plan = rolePlans[role];
  return Math.max(plan.least, Math.floor((maxConnections * plan.share) / 100));
}
