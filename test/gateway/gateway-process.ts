import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePorts } from '../../src/runtime/local/free-port.ts';
import { billingBot, closeAfterAll, type Rig, type RunningGateway, until } from './rig.ts';

/** The gateway as it really runs: a process of its own, which can be stopped in the middle of anything, and killed. */
export interface GatewayProcess extends RunningGateway {
  readonly exited: Promise<number | null>;
  signal(name: NodeJS.Signals): void;
}

const main = join(import.meta.dirname, '../../src/gateway/main.ts');

export async function startGatewayProcess(rig: Rig): Promise<GatewayProcess> {
  writeConfig(rig);
  const [port = 0] = await freePorts([undefined]);
  const url = `http://127.0.0.1:${port}`;
  const env = {
    ...process.env,
    ESTOP_ENVIRONMENT: 'test',
    ESTOP_STATE: rig.folder,
    ESTOP_CONFIG: join(rig.folder, 'estop.yaml'),
    ESTOP_DATABASE_URL: rig.ledger.urls.estop_gateway,
    ESTOP_GATEWAY_URL: url,
    ESTOP_GATEWAY_PORT: String(port),
    BILLING_TOKEN: 'upstream-secret',
  };
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'inherit', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exited = once(child, 'close').then(() => child.exitCode);
  const gateway: GatewayProcess = {
    url,
    exited,
    signal: (name) => void child.kill(name),
    close: async () => {
      child.kill('SIGCONT');
      child.kill('SIGKILL');
      await exited;
    },
  };
  closeAfterAll(() => gateway.close());
  const died = exited.then((code) => {
    throw new Error(`the gateway ended with ${String(code)}: ${stderr}`);
  });
  died.catch(() => undefined);
  await Promise.race([
    died,
    until(async () => (await fetch(`${url}/livez`).catch(() => undefined))?.ok),
    untilReadyOf(url),
  ]);
  await Promise.race([died, untilReadyOf(url)]);
  return gateway;
}

const untilReadyOf = (url: string): Promise<true> =>
  until(async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.ok === true);

function writeConfig({ folder, upstream }: Rig): void {
  const { owner, stopHolder, tools } = billingBot;
  const config = {
    environment: 'test',
    trustDomain: 'test.local',
    agents: { 'billing-bot': { owner, stopHolder, model: 'scripted', tools } },
    tools: { billing: { url: upstream.url, credential: { env: 'BILLING_TOKEN' } } },
    models: { scripted: { provider: 'openai-compatible', model: 'scripted', baseUrl: 'http://127.0.0.1:9' } },
  };
  writeFileSync(join(folder, 'estop.yaml'), stringify(config));
}
