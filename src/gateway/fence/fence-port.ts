import type { SettledCall } from '../../store/calls.ts';
import type { LeaseReply } from './lease.ts';

/**
 * `toolsVersion`: of the record of tools; `policyActivation`: the newest of the policies; `secretsVersion`: of the sealed secrets;
 * `confirmedEpoch`: what the store has on record of this gateway. They ride on the renewal; the lease knows nothing of them.
 */
export type RenewalReply = LeaseReply & {
  readonly toolsVersion?: number;
  readonly policyActivation?: number;
  readonly secretsVersion?: number;
  readonly confirmedEpoch?: number;
};

/** What the fence needs of the store, on connections of its own: tool calls that wait for theirs must not hold up a renewal. */
export interface FencePort {
  /** Commits before it returns; answers which store this is. */
  register(gatewayId: string, address: string): Promise<string>;
  /** @param seenEpoch of which the store is asked what took it. rule: renew-is-one-query, refuse-lower-epoch */
  renew(gatewayId: string, afterGap: boolean, seenEpoch: number | undefined): Promise<RenewalReply>;
  /** False: this gateway is retired, or the store does not know the epoch, or as one of another order. */
  confirm(gatewayId: string, epoch: number, order: string | undefined): Promise<boolean>;
  /** Each is settled once; what is settled already stays as it is. */
  settle(calls: readonly SettledCall[]): Promise<unknown>;
  retire(gatewayId: string): Promise<void>;
}
