import { afterAll } from 'vitest';
import type { Authenticator, Role } from '../../src/contract/identity.ts';
import { type StopServer, startStopServer } from '../../src/stop/server.ts';
import { recordingLog } from '../revocation/rig.ts';

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface StopProcess {
  readonly server: StopServer;
  send(body: unknown, token?: string): Promise<Answer>;
  get(path: string): Promise<Answer>;
  readonly logged: ReturnType<typeof recordingLog>['logged'];
}

const people: Readonly<Record<string, readonly Role[]>> = {
  olga: ['operator'],
  adam: ['admin'],
  vera: ['viewer'],
  paul: ['approver'],
  backend: ['service'],
  robot: ['agent-worker'],
};

const authenticator: Authenticator = {
  authenticate: (header) => {
    const actor = /^Bearer (\w+)$/.exec(header ?? '')?.[1] ?? '';
    const roles = people[actor];
    return roles === undefined ? { ok: false, code: 'unauthenticated' } : { ok: true, identity: { actor, roles } };
  },
};

const servers: StopServer[] = [];
afterAll(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** The stop process as its entry point starts it, in this process, on a free port. */
export async function startStopProcess(
  databaseUrl: string,
  temporalAddress: string,
  environment = 'test',
  processName = `estop-stop-${environment}`,
): Promise<StopProcess> {
  const { log, logged } = recordingLog();
  const server = await startStopServer({
    environment,
    processName,
    host: '127.0.0.1',
    port: 0,
    databaseUrl,
    temporalAddress,
    authenticator,
    log,
  });
  servers.push(server);
  const ask = async (path: string, init?: RequestInit): Promise<Answer> => {
    const response = await fetch(`${server.url}${path}`, init);
    return { status: response.status, body: JSON.parse(await response.text()) };
  };
  return {
    server,
    logged,
    get: (path) => ask(path),
    send: (body, token = 'olga') =>
      ask('/v1/stops', {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  };
}
