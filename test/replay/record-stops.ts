import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { z } from 'zod';
import type { Connector, ConnectorSystem, ProbeResult, RevokeResult } from '../../src/connectors/kit/contract.ts';
import {
  drillWorkflowId,
  namespaces,
  queues,
  signals,
  stopFanoutWorkflowId,
  stopIntakeWorkflowId,
  workflowTypes,
} from '../../src/contract/names.ts';
import type { StopOrder } from '../../src/contract/stop.ts';
import { ensureKeys, openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { createSealer } from '../../src/runtime/keys/sealer.ts';
import { startTemporal } from '../../src/runtime/local/temporal-server.ts';
import { createDataConverter } from '../../src/runtime/temporal-connection.ts';
import { registerAgents } from '../../src/store/agents.ts';
import { askDrill, newestDrills } from '../../src/store/drills.ts';
import { mintIntend, mintIssued, mintRecheck } from '../../src/store/grants.ts';
import { openStore } from '../../src/store/pool.ts';
import { provisionStore } from '../../src/store/provision.ts';
import { stopProgress } from '../../src/store/stop-progress.ts';
import { registerRoot } from '../../src/store/task-registration.ts';
import { startControlWorker } from '../../src/workers/create-control.ts';
import { agentSpec } from '../agent-task/stack.ts';
import type { RecordedHistory, Scenario } from './scenario.ts';

const taskId = 'task_test_00000000000000000000000001';
const drillId = 'task_test_00000000000000000000000099';
const stopId = 'stop_test_00000000000000000000000001';
const order: StopOrder = {
  stopId,
  scopeKey: 'agent:billing-bot',
  category: 1,
  graceMs: 300,
  reason: 'recorded',
  actor: 'Sam',
  method: 'cli',
};

/** A stop that comes through the intake and is worked off to proof, over lanes that take each of their roads. */
export const recordStops: Scenario = async ({ folder, databaseUrl }) => {
  ensureKeys(join(folder, 'keys'), 'test');
  const sealer = createSealer(openKeyRing(join(folder, 'keys'), 'seal', 'test'));
  const dataConverter = { ...createDataConverter(sealer), payloadCodecs: [] };
  const temporal = await startTemporal({ stateFolder: folder, database: 'memory', ui: false });
  const database = new URL(databaseUrl).pathname.slice(1);
  const urls = await provisionStore({ superuserUrl: databaseUrl, database, environment: 'test' });
  const [control, trusted] = [urls.estop_control, urls.estop_trusted].map((url) =>
    openStore({ url, applicationName: 'record', max: 2 }),
  );
  if (control === undefined || trusted === undefined) throw new Error('no store');
  const agent = agentSpec('billing-bot');
  await registerAgents(control, [agent]);
  await registerRoot(control, { taskId, agent, purpose: 'recorded', requestedBy: 'Olga' });
  const others = Array.from({ length: 10 }, (_, index) => `other-${index}`);
  for (const [index, key] of ['quick', 'slow', 'alive', 'residual', ...others].entries()) {
    const grantId = `grant_test_${String(index).padStart(26, '0')}`;
    await mintIntend(trusted, {
      grantId,
      name: key,
      taskId,
      connector: 'scripted',
      target: key,
      shared: false,
      handle: { key },
      epoch: 0,
      lifeMs: 600_000,
    });
    await mintRecheck(trusted, grantId);
    await mintIssued(trusted, grantId, sealer.seal(new TextEncoder().encode(JSON.stringify({ key })), grantId));
  }

  const connection = await Connection.connect({ address: temporal.address });
  const client = new Client({ connection, namespace: namespaces.control, dataConverter });
  const intake = {
    workflowId: stopIntakeWorkflowId('test'),
    taskQueue: queues.control,
    args: [],
    signal: signals.order,
  };
  await client.workflow.signalWithStart(workflowTypes.stopIntake, { ...intake, signalArgs: ['junk'] });
  await client.workflow.signalWithStart(workflowTypes.stopIntake, { ...intake, signalArgs: [order] });
  const quiet = (): void => undefined;
  const worker = startControlWorker({
    environment: 'test',
    databaseUrl: urls.estop_revoker,
    temporalAddress: temporal.address,
    dataConverter,
    connectors: { ids: () => ['scripted'], system: () => system, get: () => ({ system, connector: scripted() }) },
    sealer,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  try {
    while ((await stopProgress(control, stopId))?.stage !== 'proved') await sleep(200);
    await client.workflow.getHandle(stopFanoutWorkflowId(stopId)).result();
    const recorded = await fetchAll(client);
    await askDrill(control, { taskId: drillId, connectorId: 'scripted', actor: 'Sam' });
    while ((await newestDrills(control, ['scripted']))[0]?.state === 'asked') await sleep(200);
    const [drilled] = await newestDrills(control, ['scripted']);
    if (drilled?.state !== 'proved') throw new Error(`not proved: ${drilled?.why}`);
    const handle = client.workflow.getHandle(drillWorkflowId(drillId));
    await handle.result();
    return [...recorded, { name: 'drill', workflowId: handle.workflowId, history: await handle.fetchHistory() }];
  } finally {
    await worker.close();
    await connection.close();
    await Promise.all([control.end(), trusted.end(), temporal.stop()]);
  }
};

async function fetchAll(client: Client): Promise<readonly RecordedHistory[]> {
  const recorded: RecordedHistory[] = [];
  for await (const { type, workflowId, runId } of client.workflow.list()) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const kebab = type.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const nth = recorded.filter(({ name }) => name === kebab || name.startsWith(`${kebab}-`)).length;
    recorded.push({ name: nth === 0 ? kebab : `${kebab}-${nth + 1}`, workflowId, history });
  }
  return recorded;
}

const asked = new Map<string, number>();
const times = (what: string, key: unknown): number => {
  const count = (asked.get(`${what} ${String(key)}`) ?? 0) + 1;
  asked.set(`${what} ${String(key)}`, count);
  return count;
};

/**
 * Each key takes another road: at once, after a failed attempt and a failed last probe, in a second round, after its residual end. The
 * others make the last probes a crowd.
 */
const scripted = (): Connector => ({
  plan: () => ({ target: 'drill', handle: { key: 'drill' } }),
  issue: async () => ({}),
  cut: async (_phase, { handle }): Promise<RevokeResult> =>
    handle['key'] === 'slow' && times('cut', 'slow') === 1 ? { kind: 'retryable', why: 'busy' } : { kind: 'revoked' },
  probe: async ({ handle }): Promise<ProbeResult> => {
    const nth = times('probe', handle['key']);
    if (handle['key'] === 'slow' && nth === 2) return { kind: 'inconclusive', why: 'busy' };
    if ((handle['key'] === 'alive' || handle['key'] === 'drill') && nth === 1)
      return { kind: 'allowed', why: 'it still works' };
    if (handle['key'] === 'residual' && nth === 1)
      return { kind: 'residual-until', until: new Date(Date.now() + 2_500).toISOString(), why: 'a token' };
    return { kind: 'denied', why: 'refused', evidence: 'credential-probed' };
  },
  control: async () => ({ kind: 'allowed' }),
  lists: async () => 'absent',
  selfCheck: async () => ({ ok: true, findings: [] }),
  close: async () => undefined,
});

const system: ConnectorSystem = {
  system: 'scripted',
  optionsSchema: undefined as never, // nothing is configured here
  grantSchema: z.object({}),
  drill: {},
  phases: ['fence', 'revoke-credential'],
  concurrency: 4,
  settleMs: 500,
  attemptMs: 2_000,
  generations: 'own',
  create: scripted,
};
