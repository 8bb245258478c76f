import type { Authenticator, Log } from '../../src/contract/identity.ts';
import { type StopServer, startStopServer } from '../../src/stop/server.ts';
import { workerToken } from './token-door.ts';

const authenticator: Authenticator = {
  authenticate: (header) =>
    header === `Bearer ${workerToken}`
      ? { ok: true, identity: { actor: 'worker', roles: ['agent-worker'] } }
      : { ok: false, code: 'unauthenticated' },
};

/** The real stop process, in this process, for the worker alone. */
export function startStopDoor(databaseUrl: string, temporalAddress: string, log: Log): Promise<StopServer> {
  const at = { environment: 'test', host: '127.0.0.1', port: 0 };
  return startStopServer({ ...at, databaseUrl, temporalAddress, authenticator, log });
}
