import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { inject } from 'vitest';
import { listen } from '../../examples/demo/fault-proxy.ts';
import type { GrantSecret, LedgerGrant } from '../../src/connectors/kit/contract.ts';
import { controlName } from '../../src/connectors/kit/names.ts';
import { namespaces } from '../../src/contract/names.ts';
import { environment, type Rig, type RunningRig, rigConnectorId } from './rig.ts';
import { startTemporalGate, type TemporalGate } from './temporal-gate.ts';

const notGrpc = 'an answer of gRPC is not a piece of text; temporal.test.ts has the gate in front of the server say it';

export const rigs: readonly Rig[] = [
  {
    system: 'temporal',
    server: 'the Temporal dev server',
    missing: inject('temporalMissing') === '' ? undefined : 'install the Temporal CLI, or Go 1.26.4 or newer',
    skips: {
      'rate-limited': notGrpc,
      'server-error': notGrpc,
      'secrets': 'the name of a schedule is all that is granted, and this server asks for no credential',
    },
    start: () => startTemporalRig(inject('temporalAddress')),
  },
];

export interface TemporalRig extends RunningRig {
  /** Straight at the server. */
  readonly client: Client;
  readonly gate: TemporalGate;
}

/** gRPC status codes. */
export const grpc = { internal: 13, resourceExhausted: 8, permissionDenied: 7, unauthenticated: 16 } as const;

const workflowType = 'wakeTheAgent';
/** Words of each request's own body: its path is compressed on the wire. */
const markers = {
  'issue': workflowType,
  'fence': 'estop: stopped',
  'terminate': 'estop: terminated',
  'disable-integration': 'estopTombstone',
  'sweep': 'estop: terminated',
} as const;

export async function startTemporalRig(address: string, connectorId = rigConnectorId): Promise<TemporalRig> {
  const gate = await startTemporalGate(address);
  const proxy = await listen(gate);
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace: namespaces.agents });
  const refuse = (decide: TemporalGate['refuse']): (() => Promise<void>) => {
    gate.refuse = decide;
    return async () => void (gate.refuse = () => undefined);
  };
  return {
    client,
    gate,
    proxy,
    options: { address: `${proxy.host}:${proxy.port}`, namespace: namespaces.agents, network: 'loopback' },
    secrets: {},
    grantOptions: { workflowType, taskQueue: 'never-polled', everySeconds: 3_600 },
    injections: [
      { workflowType: `x" OR "a"="a`, taskQueue: 'q' },
      { workflowType, taskQueue: '../temporal-sys-scheduler' },
      { workflowType, taskQueue: 'q%00', everySeconds: 3_600 },
      { workflowType: 'x'.repeat(1_000_000), taskQueue: 'q' },
      { workflowType: 'temporal_sys_scheduler_workflow', taskQueue: 'q', everySeconds: 86_400 },
      { workflowType, taskQueue: 'q', everySeconds: 0 },
    ],
    useAsAgent: async (grant, secret) => ((await wake(client, grant, secret)) === undefined ? 'refused' : 'worked'),
    countInTarget: (grant) => countStarted(client, grant),
    openLasting: async (grant, secret) => {
      const workflowId = await wake(client, grant, secret);
      if (workflowId === undefined) throw new Error('the schedule started nothing');
      return { alive: () => runs(client, workflowId), close: async () => undefined };
    },
    revive: async (grant) => {
      const handle = client.schedule.getHandle(scheduleOf(grant));
      await handle.delete();
      await client.schedule.create({
        scheduleId: handle.scheduleId,
        spec: { intervals: [{ every: 3_600_000 }] },
        action: {
          type: 'startWorkflow',
          workflowType,
          taskQueue: 'never-polled',
          workflowId: `${handle.scheduleId}/wake`,
        },
      });
    },
    breakControl: async () => {
      const control = controlName(environment, connectorId);
      return refuse((_method, body) => (body.includes(control) ? grpc.permissionDenied : undefined));
    },
    refuseOurCredential: async () => refuse(() => grpc.unauthenticated),
    breakSelfCheck: async () => {
      const undo = refuse((method) => (method === 'ListWorkflowExecutions' ? grpc.permissionDenied : undefined));
      return { finding: /Listing workflows/, undo };
    },
    marker: (step) =>
      step in markers ? { bytes: markers[step as keyof typeof markers] } : { none: 'Temporal has no such phase' }, // guarded by `in`
    replies: () => ({
      garbage: 'HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\n\r\n<!doctype html>',
    }),
    stop: async () => {
      await proxy.close();
      await gate.close();
      await connection.close();
    },
  };
}

export const scheduleOf = (grant: LedgerGrant): string => String(grant.handle['scheduleId']);

/** Triggers the schedule as the agent would. The workflow of the agent's that came of it; undefined if none did. */
export async function wake(client: Client, grant: LedgerGrant, secret: GrantSecret): Promise<string | undefined> {
  const handle = client.schedule.getHandle(String(secret['scheduleId']));
  const before = await lastStarted(client, handle.scheduleId);
  if (before === 'no-schedule') return undefined;
  for (let attempt = 0; attempt < 40; attempt += 1) {
    // The names of what it starts have the second in them, so a second trigger within one starts nothing.
    if (attempt % 10 === 0) await handle.trigger('ALLOW_ALL');
    await sleep(100);
    const after = await lastStarted(client, handle.scheduleId);
    if (after === 'no-schedule') return undefined;
    if (after === before || after === undefined) continue;
    const started = await client.workflow.getHandle(after).describe();
    if (started.type !== String(grant.handle['workflowType'])) return undefined;
    await untilListed(client, after);
    return after;
  }
  throw new Error('the schedule was triggered, and nothing can be said of what came of it');
}

async function lastStarted(client: Client, scheduleId: string): Promise<string | undefined> {
  try {
    const { info } = await client.schedule.getHandle(scheduleId).describe();
    return info.recentActions.at(-1)?.action.workflow.workflowId;
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'ScheduleNotFoundError') return 'no-schedule';
    throw thrown;
  }
}

async function untilListed(client: Client, workflowId: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const { count } = await client.workflow.count(`WorkflowId = "${workflowId}"`);
    if (count > 0) return;
    await sleep(50);
  }
  throw new Error('a workflow that was started does not get listed');
}

async function countStarted(client: Client, grant: LedgerGrant): Promise<number> {
  return (await client.workflow.count(`WorkflowId STARTS_WITH "${scheduleOf(grant)}/"`)).count;
}

export async function runs(client: Client, workflowId: string): Promise<boolean> {
  return (await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
}
