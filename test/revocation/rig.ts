import { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { afterAll } from 'vitest';
import type { AgentSpec } from '../../src/contract/config.ts';
import type { Log, Sealer } from '../../src/contract/identity.ts';
import { agentTaskWorkflowId, namespaces, searchAttributes, workflowTypes } from '../../src/contract/names.ts';
import { ensureKeys, openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { createSealer } from '../../src/runtime/keys/sealer.ts';
import { lazyConnection } from '../../src/runtime/lazy-connection.ts';
import { startTemporal, type TemporalServer } from '../../src/runtime/local/temporal-server.ts';
import { createDataConverter } from '../../src/runtime/temporal-connection.ts';
import { mintIntend, mintIssued, mintRecheck } from '../../src/store/grants.ts';
import { beginTask, type TaskRecord } from '../../src/store/tasks.ts';
import { type ControlWorker, type ControlWorkerDeps, startControlWorker } from '../../src/workers/create-control.ts';
import { lookUntil } from '../kit/look-until.ts';
import { createDatabase } from '../kit/postgres.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { addAgent, agentSpec, type Ledger, makeLedger, newId, startTask } from '../store/ledger.ts';
import { startTarget, type Target } from './target.ts';
import { type TargetConnectors, targetConnectors } from './target-connectors.ts';

export const environment = 'test';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export interface Rig {
  /** Keys are here. */
  readonly folder: string;
  readonly ledger: Ledger;
  readonly temporal: TemporalServer;
  readonly control: Client;
  readonly agents: Client;
  readonly target: Target;
  readonly dataConverter: DataConverter;
  readonly sealer: Sealer;
  readonly logged: readonly LogLine[];
  readonly log: Log;
  /** Starts the control worker, with the target under these connector ids. */
  work(options?: WorkOptions): ControlWorker;
  /** A grant of this task at the target, issued and sealed by the store's own functions. Its id is its key at the target. */
  grant(task: TaskRecord, connector?: string): Promise<string>;
  agent(changes?: Partial<AgentSpec>): Promise<AgentSpec>;
  task(agent: AgentSpec): Promise<TaskRecord>;
  close(): Promise<void>;
}

export interface WorkOptions extends TargetConnectors {
  readonly databaseUrl?: string;
  readonly temporalAddress?: string;
  readonly telling?: NonNullable<ControlWorkerDeps['telling']>;
  readonly response?: NonNullable<ControlWorkerDeps['response']>;
  readonly drills?: NonNullable<ControlWorkerDeps['drills']>;
}

const rigs: Rig[] = [];
afterAll(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});

export async function startRig(): Promise<Rig> {
  const folder = tempFolder();
  ensureKeys(folder, environment);
  const sealer = createSealer(openKeyRing(folder, 'seal', environment));
  const dataConverter = createDataConverter(createSealer(openKeyRing(folder, 'codec', environment)));
  const [ledger, temporal, target] = await Promise.all([
    makeLedger(createDatabase),
    startTemporal({ stateFolder: folder, database: 'memory', ui: false }),
    startTarget(),
  ]);
  const connection = lazyConnection({ address: temporal.address });
  const clientOf = (namespace: string): Client => new Client({ connection, namespace, dataConverter });
  const { log, logged } = recordingLog();
  const workers: ControlWorker[] = [];

  const rig: Rig = {
    folder,
    ledger,
    temporal,
    control: clientOf(namespaces.control),
    agents: clientOf(namespaces.agents),
    target,
    dataConverter,
    sealer,
    log,
    logged,
    work: (options = {}) => {
      const worker = startControlWorker({
        environment,
        databaseUrl: options.databaseUrl ?? ledger.urls.estop_revoker,
        temporalAddress: options.temporalAddress ?? temporal.address,
        dataConverter,
        connectors: targetConnectors(target.url, options),
        sealer,
        log,
        ...(options.telling === undefined ? {} : { telling: options.telling }),
        ...(options.response === undefined ? {} : { response: options.response }),
        ...(options.drills === undefined ? {} : { drills: options.drills }),
      });
      workers.push(worker);
      return worker;
    },
    grant: async (task, connector = 'target') => {
      const store = ledger.as('estop_trusted');
      const grantId = newId('grant');
      const intent = {
        grantId,
        name: grantId.slice(-8),
        taskId: task.taskId,
        connector,
        target: target.url,
        shared: false,
        epoch: task.epoch,
        lifeMs: 600_000,
      };
      await mintIntend(store, { ...intent, handle: { key: grantId } });
      await mintRecheck(store, grantId);
      target.grant(grantId);
      const issued = await mintIssued(
        store,
        grantId,
        sealer.seal(new TextEncoder().encode(JSON.stringify({ key: grantId })), grantId),
      );
      if (issued.kind !== 'issued') throw new Error(`not issued: ${issued.kind}`);
      return grantId;
    },
    agent: (changes) => addAgent(ledger, changes ?? agentSpec(`agent-${newId('task').slice(-8)}`)),
    task: async (agent) => {
      const task = await startTask(ledger, agent);
      await startTaskWorkflow(rig.agents, task);
      await beginTask(ledger.as('estop_trusted'), task.taskId);
      return task;
    },
    close: async () => {
      await Promise.all(workers.map((worker) => worker.close()));
      await connection.close();
      await temporal.stop();
    },
  };
  rigs.push(rig);
  return rig;
}

/** A running workflow of that id and type, of which no worker knows: everything that a stop does to a task needs no worker of it. */
export async function startTaskWorkflow(
  agents: Client,
  task: Pick<TaskRecord, 'taskId' | 'agentId' | 'rootId'>,
  taskQueue = 'nobody',
  memo?: Readonly<Record<string, unknown>>,
): Promise<void> {
  await agents.workflow.start(workflowTypes.agentTask, {
    workflowId: agentTaskWorkflowId(task.taskId),
    taskQueue,
    ...(memo === undefined ? {} : { memo }),
    searchAttributes: {
      [searchAttributes.agent]: [task.agentId],
      [searchAttributes.task]: [task.taskId],
      [searchAttributes.rootTask]: [task.rootId],
    },
  });
}

export function recordingLog(): { readonly log: Log; readonly logged: LogLine[] } {
  const logged: LogLine[] = [];
  const at = (level: LogLine['level']) => (fields: object, message: string) => {
    logged.push({ level, fields: { ...fields }, message });
    if (process.env['ESTOP_TEST_LOG'] !== undefined && level !== 'debug')
      process.stderr.write(`${level} ${message} ${JSON.stringify(fields)}\n`);
  };
  return { log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, logged };
}

/**
 * Asks again until it holds, ever more seldom: most questions are several queries, and what is soon is seen soon all the same. Gives
 * up before a test of the usual length is given up, whose `finally` would not be reached otherwise: what was frozen stayed frozen for
 * the next.
 */
export const until = <Value>(ask: () => Promise<Value | undefined | false>, patienceMs = 110_000): Promise<Value> =>
  lookUntil(ask, { patienceMs, firstMs: 10, longestMs: 250 });
