import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { namespaces, notifyWorkflowId } from '../../src/contract/names.ts';
import { ensureKeys, openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { createSealer } from '../../src/runtime/keys/sealer.ts';
import { startTemporal } from '../../src/runtime/local/temporal-server.ts';
import { createDataConverter } from '../../src/runtime/temporal-connection.ts';
import { registerAgents } from '../../src/store/agents.ts';
import { tripBreaker } from '../../src/store/breakers.ts';
import { acknowledgeNotices, askTestNotice, listNotices } from '../../src/store/notices.ts';
import { openStore } from '../../src/store/pool.ts';
import { provisionStore } from '../../src/store/provision.ts';
import { startControlWorker } from '../../src/workers/create-control.ts';
import { agentSpec } from '../agent-task/stack.ts';
import { everything, pager, readSecret, spec } from '../notices/telling.ts';
import type { RecordedHistory, Scenario } from './scenario.ts';

/** A notice that is told at once, one that has to be tried again, and one for which people are called until somebody has seen it. */
export const recordNotices: Scenario = async ({ folder, databaseUrl }) => {
  ensureKeys(join(folder, 'keys'), 'test');
  const sealer = createSealer(openKeyRing(join(folder, 'keys'), 'seal', 'test'));
  const dataConverter = { ...createDataConverter(sealer), payloadCodecs: [] };
  const temporal = await startTemporal({ stateFolder: folder, database: 'memory', ui: false });
  const urls = await provisionStore({
    superuserUrl: databaseUrl,
    database: new URL(databaseUrl).pathname.slice(1),
    environment: 'test',
  });
  const control = openStore({ url: urls.estop_control, applicationName: 'record', max: 2 });
  const revoker = openStore({ url: urls.estop_revoker, applicationName: 'record', max: 2 });
  let refusals = 0;
  const receiver = createServer((_request, response) => {
    response.writeHead(refusals > 0 ? 503 : 204).end();
    refusals -= 1;
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const address = receiver.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const told = spec({
    endpoints: [
      pager(url),
      pager(url, { endpointId: 'owner', events: [] }),
      pager(url, { endpointId: 'duty', events: [] }),
    ],
    escalation: {
      events: everything,
      steps: [
        { to: 'owner', afterMs: 1_000 },
        { to: 'on-call', afterMs: 3_000 },
      ],
      contacts: { olga: 'owner' },
      onCall: ['duty'],
    },
  });
  const quiet = (): void => undefined;
  const worker = startControlWorker({
    environment: 'test',
    databaseUrl: urls.estop_revoker,
    temporalAddress: temporal.address,
    dataConverter,
    connectors: { ids: () => [], system: () => undefined, get: () => Promise.reject(new Error('none')) as never }, // there is none to get
    sealer,
    telling: { notifications: () => told, consoleUrl: 'https://estop.example.org', readSecret },
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  const connection = await Connection.connect({ address: temporal.address });
  const client = new Client({ connection, namespace: namespaces.control, dataConverter });
  const record = async (name: string, noticeId: string): Promise<RecordedHistory> => {
    const workflowId = notifyWorkflowId(noticeId);
    while ((await listNotices(control)).find((one) => one.noticeId === noticeId)?.settledAt === undefined)
      await sleep(100);
    const handle = client.workflow.getHandle(workflowId);
    await handle.result();
    return { name, workflowId, history: await handle.fetchHistory() };
  };
  const trip = async (agentId: string): Promise<string> => {
    const rule = { breaker: 'call-rate', action: 'warn', most: 1, atLeast: 0, withinMs: 60_000 } as const;
    await tripBreaker(revoker, { agentId, rule, measured: 2, sample: 2 });
    for (;;) {
      const [notice] = await listNotices(control, { subject: agentId });
      if (notice !== undefined) return notice.noticeId;
      await sleep(50);
    }
  };
  try {
    await registerAgents(control, [
      agentSpec('billing-bot', { owner: 'olga' }),
      agentSpec('mail-bot', { owner: 'olga' }),
    ]);
    const plain = await record('notify-told', await askTestNotice(control, 'Olga', 'pager'));
    const called = await record('notify-escalated', await trip('billing-bot'));
    refusals = 1;
    const seen = await trip('mail-bot');
    await sleep(1_500);
    await acknowledgeNotices(control, seen, 'Olga');
    return [plain, called, await record('notify-acknowledged', seen)];
  } finally {
    await worker.close();
    await connection.close();
    receiver.close();
    await Promise.all([control.end(), revoker.end(), temporal.stop()]);
  }
};
