import { createServer } from 'node:http';
import type { TaskTokenSigner } from '../../src/contract/identity.ts';
import type { Store } from '../../src/store/pool.ts';
import { checkTask, getTask } from '../../src/store/tasks.ts';

export const workerToken = 'estop_test_worker-token-of-this-test';

/** The one route of control that a worker uses, on its own: real tokens, under the same look at the stops. */
export async function startTokenDoor(
  store: Store,
  signer: TaskTokenSigner,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    const reply = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const serve = async (): Promise<void> => {
      const taskId = /^\/v1\/tasks\/([^/]+)\/tokens$/.exec(request.url ?? '')?.[1] ?? '';
      if (request.headers.authorization !== `Bearer ${workerToken}`) return reply(401, { code: 'unauthenticated' });
      const [task, check] = await Promise.all([getTask(store, taskId), checkTask(store, taskId)]);
      if (task === undefined) return reply(404, { code: 'unknown-task' });
      if (check?.stopId !== undefined) return reply(409, { code: 'stopped' });
      const { token, expiresAt } = await signer.sign(task);
      reply(201, { token, taskId, expiresAt: new Date(expiresAt).toISOString() });
    };
    serve().catch(() => reply(500, { code: 'internal' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the token door has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
