import { call, callOne, type Store } from './pool.ts';
import { bool, int, json, present, type Row, text, textOrUndefined } from './row.ts';
import { storeError } from './store-error.ts';

/** One stop as a gateway's view holds it: in force, or reset so recently that a token older than it may still be alive. */
export interface ViewedStop {
  readonly stopId: string;
  readonly scopeKey: string;
  readonly epoch: number;
  readonly inForce: boolean;
  /** For a stop on a label: the agents it reaches by their labels now. */
  readonly agents: readonly string[];
}

export type Renewal =
  | {
      readonly granted: true;
      readonly epoch: number;
      readonly storeId: string;
      readonly storeNow: string;
      /** When the newest complete reading of the intake began; absent if there was none yet. */
      readonly drainedAt?: string;
      readonly stops: readonly ViewedStop[];
      /** How old the newest mark of the beat was when the renewal reached the store, by the store's clock. */
      readonly markAgeMs: number;
      /** Rises with what may be called of upstream tools. */
      readonly toolsVersion: number;
      /** The newest activation of policies; 0 if there was none. */
      readonly policyActivation: number;
      /** Rises with whatever changes in the sealed secrets. */
      readonly secretsVersion: number;
      /** What took this epoch, and what took the epoch that was seen before: ids that no two orders have. Absent: nothing did. */
      readonly newestOrder?: string;
      readonly seenOrder?: string;
      /** The newest epoch that this gateway has confirmed, as the store has it. */
      readonly confirmedEpoch: number;
    }
  | { readonly granted: false; readonly refusal: 'no-beat' | 'retired' };

/** Committed before the first renewal: a fence report that misses this row has stops older than the first view. Returns the store's id. */
export async function registerGateway(store: Store, gatewayId: string, address: string): Promise<string> {
  return text(
    await callOne(store, 'register_gateway', 'SELECT estop.register_gateway($1, $2)::text AS store_id', [
      gatewayId,
      address,
    ]),
    'store_id',
  );
}

/** rule: renew-is-one-query, lease-needs-beat */
export async function renewLease(
  store: Store,
  renewal: {
    readonly gatewayId: string;
    readonly leaseMs: number;
    readonly retainMs: number;
    readonly afterGap: boolean;
    readonly seenEpoch?: number;
  },
): Promise<Renewal> {
  const row = await callOne(
    store,
    'renew_lease',
    'SELECT granted, refusal, epoch, store_id::text AS store_id, db_now, drained_at, stops, mark_age_ms, tools_version, policy_activation, secrets_version, newest_order, seen_order, confirmed_epoch FROM estop.renew_lease($1, $2, $3, $4, $5)',
    [renewal.gatewayId, renewal.leaseMs, renewal.retainMs, renewal.afterGap, renewal.seenEpoch ?? null],
  );
  if (!bool(row, 'granted'))
    return { granted: false, refusal: text(row, 'refusal') === 'retired' ? 'retired' : 'no-beat' };
  const drainedAt = textOrUndefined(row, 'drained_at');
  return {
    granted: true,
    epoch: int(row, 'epoch'),
    storeId: text(row, 'store_id'),
    storeNow: text(row, 'db_now'),
    ...present({
      drainedAt,
      newestOrder: textOrUndefined(row, 'newest_order'),
      seenOrder: textOrUndefined(row, 'seen_order'),
    }),
    stops: viewedStops(json(row, 'stops')),
    markAgeMs: int(row, 'mark_age_ms'),
    toolsVersion: int(row, 'tools_version'),
    policyActivation: int(row, 'policy_activation'),
    secretsVersion: int(row, 'secrets_version'),
    confirmedEpoch: int(row, 'confirmed_epoch'),
  };
}

/** @returns false if this gateway is retired, or the epoch is one that nobody, or another order, has taken. rule: confirm-that-epoch */
export async function confirmFence(
  store: Store,
  gatewayId: string,
  epoch: number,
  order: string | undefined,
): Promise<boolean> {
  const confirm = 'SELECT estop.confirm_fence($1, $2, $3) AS confirmed';
  return bool(await callOne(store, 'confirm_fence', confirm, [gatewayId, epoch, order ?? null]), 'confirmed');
}

/** A gateway that closes cleanly, after its last call is closed. */
export async function retireGateway(store: Store, gatewayId: string): Promise<void> {
  await call(store, 'retire_gateways', 'SELECT estop.retire_gateways($1, $2) AS retired', [gatewayId, null]);
}

/** Gateways whose lease ended that long ago: they can never renew again under their id, and later stops need not wait for them. */
export async function retireLapsedGateways(store: Store, lapsedMs: number): Promise<number> {
  return int(
    await callOne(store, 'retire_gateways', 'SELECT estop.retire_gateways($1, $2) AS retired', [null, lapsedMs]),
    'retired',
  );
}

/** Strict: a view that cannot be read in full is no view. */
function viewedStops(value: unknown): readonly ViewedStop[] {
  if (!Array.isArray(value)) throw storeError({ code: 'XX000' });
  return value.map((one: unknown) => {
    if (typeof one !== 'object' || one === null) throw storeError({ code: 'XX000' });
    const row: Row = { ...one };
    const agents = row['agents'];
    if (!Array.isArray(agents) || !agents.every((agent): agent is string => typeof agent === 'string'))
      throw storeError({ code: 'XX000' });
    return {
      stopId: text(row, 'stopId'),
      scopeKey: text(row, 'scopeKey'),
      epoch: int(row, 'epoch'),
      inForce: bool(row, 'inForce'),
      agents,
    };
  });
}
