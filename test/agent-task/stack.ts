import { join } from 'node:path';
import { Client, Connection, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { NativeConnection, type Worker } from '@temporalio/worker';
import { type McpDemoServer, startMcpServer } from '../../examples/demo/mcp-server.ts';
import { type Script, type ScriptedModel, startScriptedModel } from '../../examples/demo/scripted-model.ts';
import type {
  AgentTaskInput,
  AgentTaskResult,
  SessionTerms,
  TaskLimits,
  TaskStatus,
} from '../../src/contract/agent-task.ts';
import type { AgentSpec, EstopConfig, SecretAt } from '../../src/contract/config.ts';
import type { Log, Sealer } from '../../src/contract/identity.ts';
import { agentTaskWorkflowId, namespaces, queues, workflowTypes } from '../../src/contract/names.ts';
import { type Gateway, startGateway } from '../../src/gateway/server.ts';
import { readPolicyFolder } from '../../src/policy/read-folder.ts';
import { createFlowKeys } from '../../src/runtime/keys/flow-keys.ts';
import { ensureKeys, type KeyPurpose, openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { createSealer } from '../../src/runtime/keys/sealer.ts';
import { createSecretSealer } from '../../src/runtime/keys/secret-sealer.ts';
import { createTaskTokenSigner, createTaskTokenVerifier } from '../../src/runtime/keys/task-token.ts';
import { startTemporal, type TemporalServer } from '../../src/runtime/local/temporal-server.ts';
import { policiesFolder } from '../../src/runtime/package-root.ts';
import { createDataConverter } from '../../src/runtime/temporal-connection.ts';
import { registerRoot } from '../../src/store/task-registration.ts';
import { bundleWorkflows } from '../../src/workers/bundle.ts';
import { createAgentWorker } from '../../src/workers/create-agent-worker.ts';
import { createTrustedWorker, type TrustedWorkerDependencies } from '../../src/workers/create-trusted-worker.ts';
import { judgeGrants } from '../../src/workers/judge-grants.ts';
import { installTemporalRuntime } from '../../src/workers/temporal-runtime.ts';
import { type Ledger, newTaskId, startLedger } from './ledger.ts';
import { startStopDoor } from './stop-door.ts';
import { startTokenDoor, workerToken } from './token-door.ts';

export type TaskHandle = WorkflowHandleWithFirstExecutionRunId<(input: AgentTaskInput) => Promise<AgentTaskResult>>;

export interface StackPlan {
  /** Each is a model of that name. */
  readonly scripts: Readonly<Record<string, Script>>;
  readonly agents: readonly AgentSpec[];
  readonly connectors?: TrustedWorkerDependencies['connectors'];
  /** Off where a test runs the workers as processes of their own. */
  readonly workers?: boolean;
  /** Given its URL, says where the worker is to place a kill. Without it no stop process runs, and each takes the trusted queue. */
  readonly stopProcess?: (url: string) => string;
  /** Off only for recorded histories, which are to be read. */
  readonly sealed?: boolean;
  /** The configuration as this test wants it, made of the usual one. */
  readonly configure?: (config: EstopConfig) => EstopConfig;
  /** Where the gateway finds what the configuration refers to; nothing, without it. */
  readonly readSecret?: (reference: SecretAt) => string;
  /** Workflow code of the test's own, instead of the built-in set. */
  readonly workflowsPath?: string;
}

/** Where a stack may keep its files, and an empty database, as superuser. */
export interface Ground {
  readonly folder: string;
  readonly databaseUrl: string;
}

export interface StartOptions {
  readonly agentId?: string;
  readonly limits?: Partial<TaskLimits>;
  readonly prompt?: string;
  readonly workflowType?: string;
  /** A session instead of a task. */
  readonly session?: Omit<SessionTerms, 'openedAt'>;
}

export interface Stack {
  readonly temporal: TemporalServer;
  readonly client: Client;
  readonly dataConverter: DataConverter;
  readonly model: ScriptedModel;
  readonly tools: McpDemoServer;
  readonly gateway: Gateway;
  readonly controlUrl: string;
  readonly ledger: Ledger;
  readonly logged: readonly string[];
  readonly log: Log;
  readonly sealer: Sealer;
  start(script: string, options?: StartOptions): Promise<TaskHandle>;
  /** A workflow that nobody has registered in the ledger. */
  startUnregistered(script: string): Promise<TaskHandle>;
  status(handle: TaskHandle): Promise<TaskStatus>;
  stop(): Promise<void>;
}

export function agentSpec(agentId: string, spec: Partial<AgentSpec> = {}): AgentSpec {
  return {
    agentId,
    owner: 'Olga',
    stopHolder: 'Sam',
    labels: {},
    model: 'say-done',
    tools: { 'billing/*': 'allow' },
    grants: [],
    mayStart: [],
    limits,
    ...spec,
  };
}

const nobody = 'http://127.0.0.1:9';
const limits = { maxSteps: 20, maxTokens: 10_000, maxDepth: 3, maxFanOut: 5, maxOpenTasks: 50, approvalTtlMs: 60_000 };

/** Everything an agent task touches, as real servers: Temporal, the ledger, the gateway, an MCP server, both workers. */
export async function startStackOn({ folder, databaseUrl }: Ground, plan: StackPlan): Promise<Stack> {
  const keysFolder = join(folder, 'keys');
  ensureKeys(keysFolder, 'test');
  const ring = (purpose: KeyPurpose) => openKeyRing(keysFolder, purpose, 'test');
  const tokenOptions = { ring: ring('token'), environment: 'test', trustDomain: 'test.example' };
  const sealer = createSealer(ring('seal'));
  const sealing = createDataConverter(createSealer(ring('codec')));
  const dataConverter = plan.sealed === false ? { ...sealing, payloadCodecs: [] } : sealing;
  const { log, logged } = recordingLog();
  installTemporalRuntime(log);
  const [temporal, model, tools, ledger, workflowBundle] = await Promise.all([
    startTemporal({ stateFolder: folder, database: 'memory', ui: false }),
    startScriptedModel({ scripts: plan.scripts }),
    startMcpServer({ logPath: join(folder, 'mcp.log'), logBodies: true }),
    startLedger(databaseUrl, plan.agents),
    bundleWorkflows('agents', plan.workflowsPath),
  ]);
  const usual: EstopConfig = {
    environment: 'test',
    trustDomain: 'test.example',
    // A test picks a script for each task, and a script is a model.
    agents: plan.agents.map((agent) => ({ ...agent, models: Object.keys(plan.scripts) })),
    connectors: [],
    toolServers: [{ serverId: 'billing', url: tools.url }],
    models: Object.keys(plan.scripts).map((name) => ({
      modelId: name,
      provider: 'openai-compatible',
      model: name,
      baseUrl: model.baseUrl,
      network: 'loopback',
      price: { input: 0, output: 0 },
    })),
  };
  const config = plan.configure?.(usual) ?? usual;
  const source = { current: () => config };
  const shipped = readPolicyFolder(policiesFolder);
  const gateway = await startGateway({
    environment: 'test',
    databaseUrl: ledger.gatewayUrl,
    host: '127.0.0.1',
    port: 0,
    config: source,
    policies: shipped,
    readSecret: plan.readSecret ?? (() => ''),
    secretSealer: createSecretSealer(ring('secret')),
    verifier: createTaskTokenVerifier(tokenOptions),
    sealer,
    flowKeys: createFlowKeys(ring('flow')),
    log,
  });
  const door = await startTokenDoor(ledger.control, createTaskTokenSigner(tokenOptions));
  const stops = plan.stopProcess && (await startStopDoor(ledger.stopUrl, temporal.address, log));
  const connection = await NativeConnection.connect({ address: temporal.address });
  const shared = { connection, dataConverter, config: source, log };
  const workers: readonly Worker[] =
    plan.workers === false
      ? []
      : await Promise.all([
          createAgentWorker({
            ...shared,
            workflowBundle,
            gatewayUrl: gateway.url,
            controlUrl: door.url,
            stopUrl: stops === undefined ? nobody : (plan.stopProcess?.(stops.url) ?? nobody),
            workerToken: () => workerToken,
          }),
          createTrustedWorker({
            ...shared,
            store: ledger.trusted,
            latchStore: ledger.latch,
            connectors: plan.connectors ?? noConnectors,
            sealer,
            judgeGrant: judgeGrants({ store: ledger.trusted, config: source, shipped, log }),
          }),
        ]);
  const running = workers.map((worker) => worker.run());
  const clientConnection = await Connection.connect({ address: temporal.address });
  const client = new Client({ connection: clientConnection, namespace: namespaces.agents, dataConverter });

  const launch = (
    script: string,
    agent: AgentSpec,
    taskId: string,
    epoch: number,
    options: StartOptions,
  ): Promise<TaskHandle> => {
    const { agentId } = agent;
    const limits = { ...agent.limits, ...options.limits };
    const prompt = options.prompt ?? 'Look after the invoices.';
    const session = options.session && { openedAt: new Date().toISOString(), ...options.session };
    const input: AgentTaskInput = {
      taskId,
      agentId,
      rootTaskId: taskId,
      epoch,
      prompt,
      modelId: script,
      limits,
      ...(session === undefined ? {} : { session }),
    };
    const workflow = {
      workflowId: agentTaskWorkflowId(taskId),
      taskQueue: queues.agent,
      args: [input] as [AgentTaskInput],
    };
    return client.workflow.start<(input: AgentTaskInput) => Promise<AgentTaskResult>>(
      options.workflowType ?? (session === undefined ? workflowTypes.agentTask : workflowTypes.agentSession),
      workflow,
    );
  };
  const agentOf = (agentId = plan.agents[0]?.agentId): AgentSpec => {
    const agent = plan.agents.find((one) => one.agentId === agentId);
    if (agent === undefined) throw new Error('no such agent in this stack');
    return agent;
  };
  const start = async (script: string, options: StartOptions = {}): Promise<TaskHandle> => {
    const taskId = newTaskId();
    const agent = agentOf(options.agentId);
    const registration = await registerRoot(ledger.control, {
      taskId,
      agent,
      purpose: 'test',
      requestedBy: 'Bea',
      kind: options.session === undefined ? 'task' : 'session',
    });
    if (registration.kind !== 'registered') throw new Error(`not registered: ${JSON.stringify(registration)}`);
    return launch(script, agent, taskId, registration.task.epoch, options);
  };
  return {
    temporal,
    client,
    dataConverter,
    model,
    tools,
    gateway,
    controlUrl: door.url,
    ledger,
    logged,
    log,
    sealer,
    start,
    startUnregistered: (script) => launch(script, agentOf(), newTaskId(), 0, {}),
    status: (handle) => handle.query<TaskStatus>('status'),
    stop: async () => {
      for (const worker of workers) worker.shutdown();
      await Promise.all(running);
      await clientConnection.close();
      await connection.close();
      await Promise.all([gateway.close(), stops?.close(), door.stop(), model.stop(), tools.stop()]);
      await Promise.all([ledger.stop(), temporal.stop()]);
    },
  };
}

const noConnectors: TrustedWorkerDependencies['connectors'] = {
  get: (connectorId) => {
    throw new Error(`no connector ${connectorId} in this stack`);
  },
};

/** Kept, so that a test can look for what must not be in it. */
function recordingLog(): { readonly log: Log; readonly logged: string[] } {
  const logged: string[] = [];
  const write = (level: string) => (fields: object, message: string) => {
    const error = 'error' in fields && fields.error instanceof Error ? fields.error.stack : undefined;
    logged.push(`${level} ${message} ${JSON.stringify({ ...fields, error })}`);
  };
  return { logged, log: { debug: () => undefined, info: write('info'), warn: write('warn'), error: write('error') } };
}
