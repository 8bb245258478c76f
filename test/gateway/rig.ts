import { join } from 'node:path';
import { afterAll } from 'vitest';
import { type McpCall, type McpDemoServer, startMcpServer } from '../../examples/demo/mcp-server.ts';
import type { AgentSpec, EstopConfig, ToolServerSpec } from '../../src/contract/config.ts';
import type { Log, TaskTokenVerifier } from '../../src/contract/identity.ts';
import { type GatewayDeps, startGateway } from '../../src/gateway/server.ts';
import { readPolicyFolder } from '../../src/policy/read-folder.ts';
import { createFlowKeys } from '../../src/runtime/keys/flow-keys.ts';
import { ensureKeys, openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { createSealer } from '../../src/runtime/keys/sealer.ts';
import { createSecretSealer } from '../../src/runtime/keys/secret-sealer.ts';
import { createTaskTokenSigner, createTaskTokenVerifier } from '../../src/runtime/keys/task-token.ts';
import { policiesFolder } from '../../src/runtime/package-root.ts';
import { drainWanted, recordDrain } from '../../src/store/fence.ts';
import { storeNow } from '../../src/store/installation.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { lookUntil } from '../kit/look-until.ts';
import { createDatabase } from '../kit/postgres.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { fence, keepBeating, type Ledger, makeLedger, putAgents, startTask } from '../store/ledger.ts';

export const environment = 'test';
const trustDomain = 'test.local';

const closers: (() => Promise<void>)[] = [];
// Last in, first out: the gateway goes before its upstream.
afterAll(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
export const closeAfterAll = (close: () => Promise<void>): void => void closers.push(close);

/** What the stop process and the relay do for a gateway, each of which can be left undone. */
export interface Heart {
  beating: boolean;
  draining: boolean;
  drains: number;
}

export interface RunningGateway {
  readonly url: string;
  close(): Promise<void>;
}

export interface Rig {
  readonly ledger: Ledger;
  readonly folder: string;
  readonly keysFolder: string;
  readonly upstream: McpDemoServer;
  readonly heart: Heart;
  readonly logLines: {
    readonly level: string;
    readonly fields: Readonly<Record<string, unknown>>;
    readonly message: string;
  }[];
  /** Agents may be changed under a running gateway, as a reload of the configuration does. */
  configure(change: (config: EstopConfig) => EstopConfig): void;
  startGateway(changes?: Partial<GatewayDeps>): Promise<RunningGateway>;
  startTask(agent?: AgentSpec): Promise<TaskRecord>;
  token(task: TaskRecord, changes?: { readonly epoch?: number; readonly agents?: readonly string[] }): Promise<string>;
  calls(task: TaskRecord): readonly McpCall[];
  deps(changes?: Partial<GatewayDeps>): GatewayDeps;
  /** Reads tokens by a clock of its own, where one is given. */
  verifier(now?: () => number): TaskTokenVerifier;
}

const limits = {
  maxSteps: 10,
  maxTokens: 1_000,
  maxDepth: 4,
  maxFanOut: 8,
  maxOpenTasks: 100_000,
  approvalTtlMs: 60_000,
};

export const billingBot: AgentSpec = {
  agentId: 'billing-bot',
  owner: 'olga',
  stopHolder: 'sam',
  labels: { team: 'billing' },
  model: 'scripted',
  tools: {
    'billing/list_invoices': 'allow',
    'billing/get_invoice': 'allow',
    'billing/send_reminder': 'allow',
    'billing/slow_report': 'allow',
    'billing/refund_payment': 'ask',
  },
  grants: [],
  mayStart: [],
  limits,
};
export const readerBot: AgentSpec = {
  ...billingBot,
  agentId: 'reader-bot',
  labels: {},
  tools: {
    'billing/*': 'allow',
    'billing/send_reminder': 'allow',
    'billing/slow_report': 'allow',
    'billing/refund_payment': 'ask',
  },
};

/** @param own a store of the test's own, where the one of the run would be in others' way */
export async function makeRig(own?: Ledger): Promise<Rig> {
  const ledger = own ?? (await makeLedger(createDatabase));
  await putAgents(ledger, [billingBot, readerBot]);
  const folder = tempFolder();
  const keysFolder = join(folder, 'keys');
  ensureKeys(keysFolder, environment);
  const upstream = await startMcpServer({
    logPath: join(folder, 'mcp-calls.jsonl'),
    token: 'upstream-secret',
    logBodies: true,
  });
  closeAfterAll(() => upstream.stop());
  const billing: ToolServerSpec = {
    serverId: 'billing',
    url: upstream.url,
    credential: { env: 'BILLING_TOKEN' },
    sharedBy: ['billing-bot', 'reader-bot'],
  };
  let config: EstopConfig = {
    environment,
    trustDomain,
    agents: [billingBot, readerBot],
    connectors: [],
    toolServers: [billing],
    models: [],
  };
  const logLines: Rig['logLines'] = [];
  const log = recorder(logLines);
  const heart = startHeart(ledger);
  const ring = openKeyRing(keysFolder, 'token', environment);
  const signer = createTaskTokenSigner({ ring, environment, trustDomain });

  const verifier: Rig['verifier'] = (now = Date.now) =>
    createTaskTokenVerifier({ ring, environment, trustDomain, now });
  const deps = (changes: Partial<GatewayDeps> = {}): GatewayDeps => ({
    environment,
    databaseUrl: ledger.urls.estop_gateway,
    host: '127.0.0.1',
    port: 0,
    config: { current: () => config },
    policies: readPolicyFolder(policiesFolder),
    readSecret: (reference) => (reference.env === 'BILLING_TOKEN' ? 'upstream-secret' : ''),
    verifier: verifier(),
    sealer: createSealer(openKeyRing(keysFolder, 'seal', environment)),
    secretSealer: createSecretSealer(
      openKeyRing(keysFolder, 'secret', environment),
      openKeyRing(keysFolder, 'seal', environment),
    ),
    flowKeys: createFlowKeys(openKeyRing(keysFolder, 'flow', environment)),
    log,
    allowConnections: 4,
    ...changes,
  });
  return {
    ledger,
    folder,
    keysFolder,
    upstream,
    heart,
    logLines,
    verifier,
    deps,
    configure: (change) => {
      config = sharing(change(config));
    },
    startGateway: async (changes) => {
      const gateway = await startGateway(deps(changes));
      closeAfterAll(() => gateway.close());
      return gateway;
    },
    startTask: (agent = billingBot) => startTask(ledger, agent),
    token: async (task, changes = {}) => {
      const { taskId, agentId, agents, keys, epoch } = task;
      return (await signer.sign({ taskId, agentId, agents, keys, epoch, ...changes })).token;
    },
    calls: (task) => upstream.calls().filter((call) => call.taskId === task.taskId),
  };
}

/** The tests' agents are one and the same to the tests' own server; secrets.test.ts is about what becomes of others. */
function sharing(config: EstopConfig): EstopConfig {
  const agents = config.agents.map(({ agentId }) => agentId);
  const isSaid = ({ serverId, sharedBy = [] }: ToolServerSpec): boolean =>
    serverId !== 'billing' || agents.every((agentId) => sharedBy.includes(agentId));
  if (config.toolServers.every(isSaid)) return config;
  const toolServers = config.toolServers.map((server) => (isSaid(server) ? server : { ...server, sharedBy: agents }));
  return { ...config, toolServers };
}

function startHeart(ledger: Ledger): Heart {
  const heart: Heart = { beating: true, draining: true, drains: 0 };
  let busy: Promise<void> = Promise.resolve();
  let again = true;
  const once = async (): Promise<void> => {
    const revoker = ledger.as('estop_revoker');
    if (heart.beating) await keepBeating(ledger);
    if (!heart.draining) return;
    const now = await storeNow(revoker);
    if (!(await drainWanted(revoker))) return;
    await recordDrain(revoker, now);
    heart.drains += 1;
  };
  const round = (): void => {
    if (!again) return;
    busy = once()
      .catch(() => undefined)
      .then(() => void setTimeout(round, 50));
  };
  round();
  closeAfterAll(async () => {
    again = false;
    await busy;
  });
  return heart;
}

function recorder(lines: Rig['logLines']): Log {
  const at =
    (level: string) =>
    (fields: object, message: string): void =>
      void lines.push({ level, fields: { ...fields }, message });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Where a guard was taken out on purpose, what is waited for may never come, and the test is to say so. */
const patienceMs = Number(process.env['ESTOP_TEST_PATIENCE_MS'] ?? Number.POSITIVE_INFINITY);

/** Polls until it holds; the test's own time-out ends the wait. */
export const until = <Value>(
  ask: () => Value | undefined | false | Promise<Value | undefined | false>,
): Promise<Value> => lookUntil(ask, { patienceMs, longestMs: 100 });

export const untilReady = (gateway: RunningGateway): Promise<true> =>
  until(async () => (await fetch(`${gateway.url}/readyz`)).ok);
export const untilNotReady = (gateway: RunningGateway): Promise<true> =>
  until(async () => !(await fetch(`${gateway.url}/readyz`)).ok);

/** What the relay does, until the stop is fenced. */
export const untilFenced = (rig: Rig, stopId: string): Promise<true> => until(() => fence(rig.ledger, stopId));

export { callTool, envelope, post, postRaw, type Reply } from './posting.ts';
