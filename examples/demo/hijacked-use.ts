import { Client } from 'pg';
import { directly } from '../../src/contract/temporal-security.ts';
import { sessionOptions } from '../../src/core/session-options.ts';

type Secret = Readonly<Record<string, string | number | boolean | null>>;

/** One way of abusing one credential. `once` throws when the system refuses. */
export interface HijackedUse {
  once(): Promise<void>;
  close(): Promise<void>;
}

export async function openUse(system: string, secret: Secret): Promise<HijackedUse> {
  switch (system) {
    case 'postgres':
      return usePostgres(secret);
    case 'pg-boss':
      return useQueue(secret);
    case 'oauth':
      return useToken(secret);
    case 'temporal':
      return useSchedule(secret);
    case 'gateway':
      return useGateway(secret);
    default:
      throw new Error(`no use for ${system}`);
  }
}

/** An open session, reading and writing; after a failure the loop logs in anew. */
async function usePostgres(secret: Secret): Promise<HijackedUse> {
  const client = await logIn(secret);
  return {
    once: async () =>
      void (await client.query("INSERT INTO billing.transfers (amount_cents, memo) VALUES (1, 'hijacked')")),
    close: () => client.end(),
  };
}

/** pg-boss's own library with nothing but the agent's credential. */
async function useQueue(secret: Secret): Promise<HijackedUse> {
  const { PgBoss } = await import('pg-boss');
  const boss = new PgBoss({
    host: String(secret['host']),
    port: Number(secret['port']),
    database: String(secret['database']),
    user: String(secret['user']),
    password: String(secret['password']),
    ssl: false,
    schema: String(secret['schema']),
    max: 1,
    migrate: false,
    supervise: false,
    schedule: false,
  });
  boss.on('error', () => undefined);
  await boss.start();
  return {
    once: async () => {
      if ((await boss.send(String(secret['queue']), { refund: 'everything' })) === null)
        throw new Error('the queue took no job');
    },
    close: () => boss.stop({ graceful: false }),
  };
}

async function useToken(secret: Secret): Promise<HijackedUse> {
  return {
    once: async () => {
      const response = await fetch(String(secret['resourceUrl']), {
        headers: { authorization: `Bearer ${String(secret['accessToken'])}` },
        signal: AbortSignal.timeout(2_000),
      });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
    },
    close: async () => undefined,
  };
}

async function useSchedule(secret: Secret): Promise<HijackedUse> {
  const { Client: TemporalClient, Connection } = await import('@temporalio/client');
  const connection = await Connection.connect({ address: String(secret['address']), channelArgs: directly });
  const schedule = new TemporalClient({ connection, namespace: String(secret['namespace']) }).schedule.getHandle(
    String(secret['scheduleId']),
  );
  let checkedAt = 0;
  return {
    once: async () => {
      await schedule.trigger('SKIP');
      // The server answers one question about a schedule at a time: asked at every trigger, it would answer nobody else.
      if (Date.now() - checkedAt < 200) return;
      checkedAt = Date.now();
      // An accepted trigger is not an effect: what counts is that a workflow of this schedule was started.
      const { recentActions, runningActions } = (await schedule.describe()).info;
      const started = [
        ...runningActions.map(({ workflow }) => workflow.workflowId),
        ...recentActions.map(({ action }) => action.workflow.workflowId),
      ];
      if (!started.some((workflowId) => workflowId.startsWith(`${String(secret['scheduleId'])}/`)))
        throw new Error('the trigger starts nothing');
    },
    close: () => connection.close(),
  };
}

/** The front door, with the stolen task token. */
async function useGateway(secret: Secret): Promise<HijackedUse> {
  const headers = {
    authorization: `Bearer ${String(secret['token'])}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  let id = 0;
  return {
    once: async () => {
      id += 1;
      const body = JSON.stringify({
        jsonrpc: '2.0',
        id,
        method: 'tools/call',
        params: { name: 'billing__list_invoices', arguments: {} },
      });
      const response = await fetch(`${String(secret['url'])}/mcp`, {
        method: 'POST',
        headers,
        body,
        signal: AbortSignal.timeout(5_000),
      });
      const text = await response.text();
      if (!response.ok || text.includes('"isError":true')) throw new Error(`HTTP ${response.status}`);
    },
    close: async () => undefined,
  };
}

async function logIn(secret: Secret): Promise<Client> {
  const client = new Client({
    host: String(secret['host']),
    port: Number(secret['port']),
    database: String(secret['database']),
    user: String(secret['user']),
    password: String(secret['password']),
    ssl: false,
    options: sessionOptions,
    connectionTimeoutMillis: 2_000,
  });
  // A terminated backend reports on the connection, not on a query; the next query fails and that is what counts.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
