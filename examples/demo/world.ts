import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { endOrphans } from '../../src/runtime/local/child-process.ts';
import { claimStateFolder, type StateFolder } from '../../src/runtime/local/state-folder.ts';
import { type FaultProxy, listen } from './fault-proxy.ts';
import { type McpDemoServer, startMcpServer } from './mcp-server.ts';
import { type OauthServer, startOauthServer } from './oauth-server.ts';
import { scripts } from './script.ts';
import { type ScriptedModel, startScriptedModel } from './scripted-model.ts';
import { startTargetDatabase, type TargetDatabase } from './target-database.ts';

/** Everything that is not estop: the systems an agent has keys to, the tools it calls, the model that drives it. */
export interface World {
  readonly folder: string;
  readonly configPath: string;
  readonly database: TargetDatabase;
  readonly oauth: OauthServer;
  /** Between estop and the OAuth server's administration; the hijacked agent goes round it. */
  readonly oauthProxy: FaultProxy;
  readonly tools: McpDemoServer;
  readonly model: ScriptedModel;
  /** What estop.yaml refers to by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Written once Temporal's address is known. */
  writeConfig(temporalAddress: string): void;
  stop(): Promise<void>;
}

export async function startWorld(keep: boolean, path = join('.estop', 'demo')): Promise<World> {
  const claimed = await freshFolder(path);
  const folder = claimed.path;
  const [database, oauthWithProxy, tools, model] = await Promise.all([
    startTargetDatabase(folder),
    startOauthBehindProxy(join(folder, 'logs', 'oauth-resource.jsonl')),
    startMcpServer({ logPath: join(folder, 'logs', 'mcp-calls.jsonl') }),
    startScriptedModel({ scripts }),
  ]);
  const { oauth, oauthProxy } = oauthWithProxy;
  const secrets = {
    BILLING_DB_ADMIN_URL: database.adminUrl,
    OAUTH_INITIAL_TOKEN: oauth.initialAccessToken,
    OAUTH_CONTROL_SECRET: oauth.controlClient.clientSecret,
    MODEL_KEY: 'scripted',
  };
  const configPath = join(folder, 'estop.yaml');
  return {
    folder,
    configPath,
    database,
    oauth,
    oauthProxy,
    tools,
    model,
    secrets,
    writeConfig: (temporalAddress) =>
      writeFileSync(configPath, stringify(configOf({ oauth, tools, model, temporalAddress }))),
    stop: async () => {
      await Promise.allSettled([oauthProxy.close(), oauth.stop(), tools.stop(), model.stop(), database.close()]);
      claimed.release();
      if (!keep) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Always the same folder, so that what a killed run has left behind is found and ended; two runs at once get a clear sentence. */
async function freshFolder(path: string): Promise<StateFolder> {
  const claimed = claimStateFolder(path);
  await endOrphans(claimed.path);
  await endOrphans(claimed.folder('estop'));
  for (const name of readdirSync(claimed.path))
    if (name !== 'lock') rmSync(join(claimed.path, name), { recursive: true, force: true });
  mkdirSync(join(claimed.path, 'logs'));
  return claimed;
}

/** The server must know the address by which clients reach it before it starts, and the proxy the one of the server. */
async function startOauthBehindProxy(
  logPath: string,
): Promise<{ readonly oauth: OauthServer; readonly oauthProxy: FaultProxy }> {
  const first = await startOauthServer();
  const { port } = first;
  const oauthProxy = await listen({ host: '127.0.0.1', port });
  await first.stop();
  const oauth = await startOauthServer({ port, issuer: `http://127.0.0.1:${oauthProxy.port}`, logPath });
  return { oauth, oauthProxy };
}

interface Places {
  readonly oauth: OauthServer;
  readonly tools: McpDemoServer;
  readonly model: ScriptedModel;
  readonly temporalAddress: string;
}

function configOf({ oauth, tools, model, temporalAddress }: Places): object {
  const grants = [
    { name: 'database', connector: 'billing-db', life: '15m', options: { memberOf: ['billing_clerk'] } },
    {
      name: 'queue',
      connector: 'refund-queue',
      life: '15m',
      options: { schedule: { cron: '* * * * *', data: { wake: 'billing-bot' } } },
    },
    { name: 'crm', connector: 'crm', life: '15m', options: {} },
    {
      name: 'wake-up',
      connector: 'scheduler',
      life: '15m',
      options: { workflowType: 'wakeUp', taskQueue: 'nobody-listens', everySeconds: 5 },
    },
  ];
  const limits = { maxSteps: 500, maxFanOut: 4, maxDepth: 2 };
  return {
    environment: 'dev',
    agents: {
      'billing-bot': {
        owner: 'ada@example.com',
        stopHolder: 'grace@example.com',
        labels: { team: 'billing' },
        model: 'billing',
        tools: {
          'billing/list_invoices': 'allow',
          'billing/get_invoice': 'allow',
          'billing/send_reminder': 'allow',
          'billing/slow_report': 'allow',
          'billing/refund_payment': 'ask',
        },
        grants,
        mayStart: ['reminder-bot'],
        limits,
      },
      'reminder-bot': {
        owner: 'ada@example.com',
        stopHolder: 'grace@example.com',
        model: 'reminder',
        tools: { 'billing/send_reminder': 'allow', 'billing/refund_payment': 'ask' },
        grants: [grants[0]],
        limits,
      },
    },
    connectors: {
      'billing-db': {
        system: 'postgres',
        adminUrl: { env: 'BILLING_DB_ADMIN_URL' },
        sslmode: 'disable',
        network: 'loopback',
        controlMemberOf: ['billing_clerk'],
      },
      'refund-queue': {
        system: 'pg-boss',
        adminUrl: { env: 'BILLING_DB_ADMIN_URL' },
        sslmode: 'disable',
        network: 'loopback',
      },
      crm: {
        system: 'oauth',
        issuer: oauth.issuer,
        network: 'loopback',
        initialAccessToken: { env: 'OAUTH_INITIAL_TOKEN' },
        control: { clientId: oauth.controlClient.clientId, clientSecret: { env: 'OAUTH_CONTROL_SECRET' } },
        resourceUrl: oauth.resourceUrl,
      },
      scheduler: { system: 'temporal', address: temporalAddress, namespace: 'estop-agents', network: 'loopback' },
    },
    tools: { billing: { url: tools.url } },
    models: { billing: modelOf('billing', model), reminder: modelOf('reminder', model) },
  };
}

function modelOf(script: string, model: ScriptedModel): object {
  return {
    provider: 'openai-compatible',
    model: script,
    baseUrl: model.baseUrl,
    apiKey: { env: 'MODEL_KEY' },
    network: 'loopback',
    price: { input: 0, output: 0 },
  };
}
