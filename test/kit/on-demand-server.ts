import { randomUUID } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { PostgresServer } from '../../src/runtime/local/postgres-server.ts';
import { type DatabaseDropper, openDropper } from './database-dropper.ts';
import { isPostgresInstalled, startRunPostgres } from './run-postgres.ts';

export interface OnDemandServer {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Tests run in processes that come and go; what outlives them must belong to the run: the server that several of them share, which is
 * started when the first test asks, and the dropping of databases that nobody uses any more.
 */
export async function serveOnDemand(folder: string): Promise<OnDemandServer> {
  let postgres15: Promise<PostgresServer> | undefined;
  const droppers = new Map<string, DatabaseDropper>();
  const secret = randomUUID();
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://run');
    const [serverUrl, name] = [searchParams.get('server'), searchParams.get('name')];
    if (pathname === `/${secret}/drop` && serverUrl !== null && name !== null) {
      const dropper = droppers.get(serverUrl) ?? openDropper(serverUrl);
      droppers.set(serverUrl, dropper);
      dropper.drop(name);
      return answer(response, 202, '');
    }
    if (pathname !== `/${secret}/postgres-15` || !isPostgresInstalled('15'))
      return answer(response, 404, 'no such server');
    postgres15 ??= startRunPostgres(folder, '15');
    postgres15.then(
      (running) => answer(response, 200, running.url('postgres')),
      (error: unknown) => answer(response, 500, String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the on-demand server has no port');
  return {
    url: `http://127.0.0.1:${address.port}/${secret}`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await Promise.all([...droppers.values()].map((dropper) => dropper.stop()));
      // One that failed to start has told so to the test that asked.
      const running = await postgres15?.catch(() => undefined);
      await running?.stop();
    },
  };
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(text);
}
