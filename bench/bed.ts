import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Client, Connection } from '@temporalio/client';
import { Client as PostgresClient } from 'pg';
import { stringify } from 'yaml';
import { type McpDemoServer, startMcpServer } from '../examples/demo/mcp-server.ts';
import { type Script, type ScriptedModel, startScriptedModel } from '../examples/demo/scripted-model.ts';
import { namespaces } from '../src/contract/names.ts';
import { freePorts } from '../src/runtime/local/free-port.ts';
import { createEstop, type Estop } from '../src/sdk/estop.ts';
import { bundleRivals } from './bare/bundle-rivals.ts';
import { type Dev, startDev } from './dev.ts';
import { startProgram } from './program.ts';
import type { LightToolsOrder, LightToolsReport } from './programs/light-tools.ts';

export const toolCallsOfSteps = 10;
const spreadBots = Array.from({ length: 8 }, (_, index) => `spread-${index}`);
const tenSteps: Script = [
  ...Array.from({ length: toolCallsOfSteps }, () => ({ call: [{ tool: 'billing__list_invoices', arguments: {} }] })),
  { say: 'done' },
];

/** A whole installation with an agent that waits for its model for ever, one that makes ten tool calls, tools, and nothing to revoke. */
export interface Bed {
  readonly installation: Dev;
  /** By `performance.now`. */
  readonly upAt: number;
  readonly service: Estop;
  readonly operator: Estop;
  readonly agents: Client;
  readonly tools: McpDemoServer;
  readonly model: ScriptedModel;
  /** A tool server in a process of its own that costs next to nothing. */
  readonly light: { readonly url: string; readonly pid: number };
  /** Agents for load that no budget holds together. */
  readonly spreadBots: readonly string[];
  readonly folder: string;
  /** The bundle of the rivals' workflows. */
  readonly rivalsPath: string;
  /** As superuser, in the store's own cluster. */
  readonly postgres: PostgresClient;
  /** The configuration that it was started with, and this, as the system that runs then reloads it. */
  configure(more: MoreConfig): void;
  stop(): Promise<void>;
}

export interface MoreConfig {
  readonly agents: Readonly<Record<string, object>>;
  readonly connectors: Readonly<Record<string, object>>;
}

export async function startBed(): Promise<Bed> {
  const folder = mkdtempSync(join(tmpdir(), 'estop-bench-'));
  const [lightPort = 0] = await freePorts([undefined]);
  const lightTools = startProgram<LightToolsReport>('light-tools', { port: lightPort } satisfies LightToolsOrder);
  const light = { url: `http://127.0.0.1:${lightPort}/mcp`, pid: lightTools.pid };
  const [tools, model] = await Promise.all([
    startMcpServer({ logPath: join(folder, 'mcp-calls.jsonl') }),
    startScriptedModel({ scripts: { waits: [{ hang: true }], steps: tenSteps } }),
  ]);
  const configure = ({ agents, connectors }: MoreConfig): void => {
    const { agents: always, ...rest } = configOf(tools, model, light.url);
    const path = join(folder, 'estop.yaml');
    writeFileSync(`${path}.new`, stringify({ ...rest, agents: { ...always, ...agents }, connectors }));
    renameSync(`${path}.new`, path);
  };
  configure({ agents: {}, connectors: {} });
  const tidy = async (): Promise<void> => {
    await Promise.all([tools.stop(), model.stop(), lightTools.end()]);
    rmSync(folder, { recursive: true, force: true });
  };
  const bundling = bundleRivals(folder);
  const installation = await startDev(folder, { MODEL_KEY: 'scripted' }).catch(async (thrown: unknown) => {
    await bundling.catch(() => undefined);
    await tidy();
    throw thrown;
  });
  const upAt = performance.now();
  const { profile } = installation;
  const connect = (token: string): Estop =>
    createEstop({ controlUrl: profile.controlUrl, stopUrl: profile.stopUrl, token, timeoutMs: 60_000 });
  const connection = await Connection.connect({ address: profile.temporalAddress });
  const postgres = new PostgresClient({ connectionString: installation.postgres.url(`estop_${profile.environment}`) });
  await postgres.connect();
  return {
    installation,
    upAt,
    service: connect(profile.serviceToken),
    operator: connect(profile.token),
    agents: new Client({ connection, namespace: namespaces.agents }),
    tools,
    model,
    light,
    spreadBots,
    folder,
    rivalsPath: await bundling,
    postgres,
    configure,
    stop: async () => {
      await postgres.end();
      await connection.close();
      await installation.stop();
      await tidy();
    },
  };
}

function configOf(tools: McpDemoServer, model: ScriptedModel, lightUrl: string) {
  return {
    environment: 'bench',
    agents: {
      'bench-bot': {
        owner: 'ada@example.com',
        stopHolder: 'grace@example.com',
        model: 'waits',
        models: ['steps'],
        tools: {
          'light/*': 'allow',
          'billing/*': 'allow',
          'billing/send_reminder': 'allow',
          'billing/slow_report': 'allow',
          'billing/refund_payment': 'allow',
        },
        limits: { maxOpenTasks: 100_000 },
      },
      ...Object.fromEntries(spreadBots.map((agentId) => [agentId, loadBot])),
      'hot-bot': { ...loadBot, budgets: { agent: { calls: 1_000_000_000 } } },
      'steps-bot': {
        owner: 'ada@example.com',
        stopHolder: 'grace@example.com',
        model: 'steps',
        tools: {
          'billing/*': 'allow',
          'billing/send_reminder': 'allow',
          'billing/slow_report': 'allow',
          'billing/refund_payment': 'allow',
        },
      },
    },
    // Read by decision of whoever runs the bench: what is measured is the road of a call, not whether its task asked for it.
    tools: {
      billing: { url: tools.url, tiers: { send_reminder: 'read', slow_report: 'read', refund_payment: 'read' } },
      light: { url: lightUrl, tiers: { look: 'read' } },
    },
    models: {
      waits: modelOf('waits', model),
      steps: modelOf('steps', model),
    },
  };
}

const loadLabel = { for: 'load' };
const loadBot = {
  labels: loadLabel,
  owner: 'ada@example.com',
  stopHolder: 'grace@example.com',
  model: 'waits',
  tools: { 'light/*': 'allow' },
};

/** Tasks that wait for their model beat for ever, and what is measured later would share the server with their beats. */
export async function endLoad({ operator }: Bed): Promise<void> {
  const { stopId } = await operator.stops.stop({ label: 'for=load' }, { reason: 'bench' });
  await operator.stops.wait(stopId, 'halted', { timeoutMs: 60_000 });
  await operator.stops.reset(stopId, { reason: 'bench' });
}

/** Runs `work` for 0 to count - 1, so many at a time. */
export async function inWindow(count: number, width: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      await work(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, run));
}

function modelOf(script: string, { baseUrl }: ScriptedModel): object {
  const place = { baseUrl, network: 'loopback', apiKey: { env: 'MODEL_KEY' } };
  return { provider: 'openai-compatible', model: script, ...place, price: { input: 0, output: 0 } };
}
