import { createHash, randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { afterAll } from 'vitest';
import type { AgentSpec } from '../../src/contract/config.ts';
import type { StopOrder } from '../../src/contract/stop.ts';
import { formatId, type IdKind } from '../../src/core/ids.ts';
import { agentKey } from '../../src/core/scope-key.ts';
import { registerAgents } from '../../src/store/agents.ts';
import { noteStopSeen, reportFence } from '../../src/store/fence.ts';
import { beat, type LatchResult, latch } from '../../src/store/latch.ts';
import { openStore, type Store } from '../../src/store/pool.ts';
import { provisionStore, storeUrls } from '../../src/store/provision.ts';
import type { StoreRole } from '../../src/store/role.ts';
import { registerChild, registerRoot } from '../../src/store/task-registration.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import type { CreateDatabase } from '../kit/postgres.ts';

/** A provisioned store of its own, and a pool per role, all closed after the file. */
export interface Ledger {
  readonly urls: Readonly<Record<StoreRole, string>>;
  readonly superuserUrl: string;
  as(role: StoreRole): Store;
  /** Another pool of one connection, so that it can be found waiting by its name. */
  alone(role: StoreRole, name: string): Store;
  /** Plain SQL as superuser: arranging and looking, never the thing under test. */
  sql(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** A session of its own in an open transaction, for holding locks. */
  session(role?: StoreRole): Promise<Client>;
}

export async function makeLedger(createOn: CreateDatabase): Promise<Ledger> {
  const { url, name } = await createOn('ledger');
  const ledger = ledgerAt(url, name, storeUrls({ superuserUrl: url, database: name }));
  await ledger.sql("INSERT INTO estop.installation (environment) VALUES ('test')");
  return ledger;
}

export async function openLedger(superuserUrl: string, name: string): Promise<Ledger> {
  return ledgerAt(superuserUrl, name, await provisionStore({ superuserUrl, database: name, environment: 'test' }));
}

function ledgerAt(superuserUrl: string, name: string, urls: Ledger['urls']): Ledger {
  const pools = new Map<string, Store>();
  const sessions: Client[] = [];
  const superuser = openStore({
    url: withDatabase(superuserUrl, name),
    applicationName: 'test-superuser',
    max: 4,
    connectTimeoutMs: 20_000,
  });
  closers.push(async () => {
    await Promise.all(sessions.map((session) => session.end().catch(() => undefined)));
    await Promise.all([superuser, ...pools.values()].map((pool) => pool.end()));
  });
  const open = (key: string, role: StoreRole, max: number): Store => {
    const known = pools.get(key);
    if (known !== undefined) return known;
    // A machine that runs everything at once may take seconds to fork a connection; what is tested is never that.
    const made = openStore({ url: urls[role], applicationName: key, max, connectTimeoutMs: 20_000 });
    pools.set(key, made);
    return made;
  };
  return {
    urls,
    superuserUrl,
    as: (role) => open(role, role, 8),
    alone: (role, application) => open(application, role, 1),
    sql: async (text, values = []) => (await superuser.query<Record<string, unknown>>(text, [...values])).rows,
    session: async (role) => {
      const session = new Client({
        connectionString: role === undefined ? withDatabase(superuserUrl, name) : urls[role],
      });
      session.on('error', () => undefined);
      await session.connect();
      sessions.push(session);
      return session;
    },
  };
}

const closers: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closers.splice(0)) await close();
});

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

export const newId = (kind: IdKind): string => formatId(kind, 'test', randomBytes(16));
export const newName = (stem: string): string => `${stem}-${randomBytes(5).toString('hex')}`;
export const digestOf = (text: string): Uint8Array => createHash('sha256').update(text).digest();

export function agentSpec(agentId: string, changes: Partial<AgentSpec> = {}): AgentSpec {
  return {
    agentId,
    owner: 'olga',
    stopHolder: 'sam',
    labels: {},
    model: 'scripted',
    tools: {},
    grants: [],
    mayStart: [agentId],
    limits: { maxSteps: 10, maxTokens: 1_000, maxDepth: 4, maxFanOut: 8, maxOpenTasks: 100_000, approvalTtlMs: 60_000 },
    ...changes,
  };
}

const known = new WeakMap<Ledger, AgentSpec[]>();

/** Registers it beside those already there: a configuration is always the whole of it. */
export async function addAgent(ledger: Ledger, changes: Partial<AgentSpec> = {}): Promise<AgentSpec> {
  const agent = agentSpec(changes.agentId ?? newName('agent'), changes);
  await putAgents(ledger, [agent]);
  return agent;
}

export async function putAgents(ledger: Ledger, agents: readonly AgentSpec[]): Promise<void> {
  const others = (known.get(ledger) ?? []).filter((one) => !agents.some((agent) => agent.agentId === one.agentId));
  const all = [...others, ...agents];
  known.set(ledger, all);
  const outcome = await registerAgents(ledger.as('estop_control'), all);
  if (outcome.kind !== 'applied') throw new Error(`agents were refused: ${outcome.withOpenTasks.join(', ')}`);
}

export async function startTask(ledger: Ledger, agent: AgentSpec, taskId = newId('task')): Promise<TaskRecord> {
  const outcome = await registerRoot(ledger.as('estop_control'), {
    taskId,
    agent,
    purpose: 'a test',
    requestedBy: 'rita',
  });
  if (outcome.kind !== 'registered') throw new Error(`the task was not registered: ${JSON.stringify(outcome)}`);
  return outcome.task;
}

export async function startChild(
  l: Ledger,
  parent: TaskRecord,
  parentAgent: AgentSpec,
  agent: AgentSpec,
): Promise<TaskRecord> {
  const outcome = await registerChild(l.as('estop_trusted'), {
    taskId: newId('task'),
    parentTaskId: parent.taskId,
    parentAgent,
    agent,
    purpose: 'a child',
  });
  if (outcome.kind !== 'registered') throw new Error(JSON.stringify(outcome));
  return outcome.task;
}

export function order(scopeKey: string, changes: Partial<StopOrder> = {}): StopOrder {
  return {
    stopId: newId('stop'),
    scopeKey,
    category: 0,
    graceMs: 0,
    reason: 'a test',
    actor: 'olga',
    method: 'api',
    ...changes,
  };
}

export type Latched = Extract<LatchResult, { kind: 'latched' }>;

export async function stop(ledger: Ledger, scopeKey: string): Promise<Latched> {
  return mustLatch(await latch(ledger.as('estop_stop'), order(scopeKey)));
}

export const stopAgent = (ledger: Ledger, agent: AgentSpec): Promise<Latched> => stop(ledger, agentKey(agent.agentId));

export function mustLatch(result: LatchResult): Latched {
  if (result.kind !== 'latched') throw new Error(`not latched: ${JSON.stringify(result)}`);
  return result;
}

/** Seen, and fenced by whatever the ledger says of its gateways. */
export async function fence(ledger: Ledger, stopId: string): Promise<boolean> {
  await noteStopSeen(ledger.as('estop_revoker'), stopId);
  return reportFence(ledger.as('estop_revoker'), stopId, 3_000);
}

/** The stop that kills such a credential now. */
export async function killedBy(
  ledger: Ledger,
  keys: readonly string[],
  agents: readonly string[],
  epoch: number,
): Promise<unknown> {
  const [row] = await ledger.sql('SELECT estop.dead_by($1, $2, $3) AS killer', [keys, agents, epoch]);
  return row?.['killer'] ?? undefined;
}

export const keepBeating = (ledger: Ledger): Promise<boolean> => beat(ledger.as('estop_stop'), 'test-stop');
