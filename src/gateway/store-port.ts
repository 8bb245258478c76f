import { leaseMs, viewRetainMs } from '../contract/numbers.ts';
import { EstopError } from '../core/errors.ts';
import { admitMany } from '../store/admit-many.ts';
import { requestApproval } from '../store/approvals.ts';
import { admit, settleCalls } from '../store/calls.ts';
import { confirmFence, registerGateway, renewLease, retireGateway } from '../store/gateways.ts';
import { obtainGrant } from '../store/grant-wants.ts';
import { handOver } from '../store/grants.ts';
import type { Store } from '../store/pool.ts';
import { readSecrets, resealSecret } from '../store/secrets.ts';
import { waitedInVain, wasUndone } from '../store/store-error.ts';
import { appendFlow, readFlow } from '../store/task-flows.ts';
import { noteTools } from '../store/tool-pins.ts';
import { AdmitTogether } from './call/admit-together.ts';
import type { LedgerPort } from './call/ledger-port.ts';
import type { FencePort, RenewalReply } from './fence/fence-port.ts';
import type { FlowPort } from './flow/flow-port.ts';
import type { SecretPort } from './secrets/secret-port.ts';
import type { PinPort } from './upstream/pin-port.ts';

/** The fence's side of the store, on the fence's own connections. */
export function createFencePort(store: Store): FencePort {
  return {
    register: (gatewayId, address) => registerGateway(store, gatewayId, address),
    renew: async (gatewayId, afterGap, seenEpoch): Promise<RenewalReply> => {
      const seen = seenEpoch === undefined ? {} : { seenEpoch };
      const renewal = await renewLease(store, { gatewayId, leaseMs, retainMs: viewRetainMs, afterGap, ...seen });
      if (!renewal.granted) return renewal;
      const drainedAt = renewal.drainedAt === undefined ? undefined : millisecondsOf(renewal.drainedAt);
      return {
        granted: true,
        epoch: renewal.epoch,
        storeId: renewal.storeId,
        storeNow: millisecondsOf(renewal.storeNow),
        drainedAt,
        stops: renewal.stops,
        markAgeMs: renewal.markAgeMs,
        toolsVersion: renewal.toolsVersion,
        policyActivation: renewal.policyActivation,
        secretsVersion: renewal.secretsVersion,
        newestOrder: renewal.newestOrder,
        seenOrder: renewal.seenOrder,
        confirmedEpoch: renewal.confirmedEpoch,
      };
    },
    confirm: (gatewayId, epoch, order) => confirmFence(store, gatewayId, epoch, order),
    settle: (calls) => settleCalls(store, calls),
    retire: (gatewayId) => retireGateway(store, gatewayId),
  };
}

export function createLedgerPort(store: Store): LedgerPort {
  const together = new AdmitTogether({
    admit: (request) => admit(store, request),
    admitMany: (gatewayId, requests) => admitMany(store, gatewayId, requests),
    wasUndone,
    waitedInVain,
  });
  return {
    admit: (request) => together.admit(request),
    requestApproval: (request) => requestApproval(store, request),
    handOver: (taskId, name, tokenEpoch) => handOver(store, taskId, name, tokenEpoch),
    obtainGrant: (taskId, name, tokenEpoch) => obtainGrant(store, taskId, name, tokenEpoch),
  };
}

export function createPinPort(store: Store): PinPort {
  return { note: (serverId, seen) => noteTools(store, serverId, seen) };
}

export function createSecretPort(store: Store): SecretPort {
  return {
    read: (names) => readSecrets(store, names),
    reseal: (name, before, after) => resealSecret(store, name, before, after),
  };
}

export function createFlowPort(store: Store): FlowPort {
  return {
    read: (taskId, after) => readFlow(store, taskId, after),
    append: (entries, ended) => appendFlow(store, entries, ended),
  };
}

/** With its microseconds, as a fraction: times of the store are compared with each other and with nothing else. */
function millisecondsOf(time: string): number {
  const match = /^(.+\.\d{3})(\d{0,3})Z$/.exec(time);
  const whole = match === null ? Number.NaN : Date.parse(`${match[1]}Z`);
  if (Number.isNaN(whole)) throw new EstopError('internal', { detail: 'the store gave a time that cannot be read' });
  return whole + Number((match?.[2] ?? '').padEnd(3, '0')) / 1_000;
}
