import { type Renewal, registerGateway, renewLease } from '../../src/store/gateways.ts';
import { keepBeating, type Ledger, newId } from './ledger.ts';

export const leaseMs = 3_000;
export const retainMs = 60_000;

export async function addGateway(ledger: Ledger): Promise<string> {
  const gatewayId = newId('gw');
  await registerGateway(ledger.as('estop_gateway'), gatewayId, '127.0.0.1:1');
  return gatewayId;
}

export async function renew(
  ledger: Ledger,
  gatewayId: string,
  changes: { readonly leaseMs?: number; readonly retainMs?: number; readonly afterGap?: boolean } = {},
): Promise<Renewal> {
  await keepBeating(ledger);
  return renewLease(ledger.as('estop_gateway'), { gatewayId, leaseMs, retainMs, afterGap: false, ...changes });
}

export async function view(ledger: Ledger, gatewayId: string): Promise<Extract<Renewal, { granted: true }>> {
  const renewal = await renew(ledger, gatewayId);
  if (!renewal.granted) throw new Error(`no lease: ${renewal.refusal}`);
  return renewal;
}

export const lapse = (ledger: Ledger, gatewayId: string): Promise<unknown> =>
  ledger.sql(`UPDATE estop.gateways SET lease_until = clock_timestamp() - interval '1 s' WHERE gateway_id = $1`, [
    gatewayId,
  ]);
export const seenLongAgo = (ledger: Ledger, stopId: string): Promise<unknown> =>
  ledger.sql(`UPDATE estop.stop_progress SET seen_at = seen_at - interval '1 min' WHERE stop_id = $1`, [stopId]);

/** Every scenario starts without the gateways of those before it. */
export async function onlyThese(ledger: Ledger): Promise<void> {
  await ledger.sql(`UPDATE estop.gateways SET retired_at = '2000-01-01' WHERE retired_at IS NULL`);
}
