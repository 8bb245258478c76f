import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Pool } from 'pg';
import { serveOrder } from '../program.ts';
import { keepAlive } from './keep-alive.ts';

export interface ProxyOrder {
  readonly port: number;
  readonly upstreamUrl: string;
  readonly postgresUrl: string;
  readonly connections: number;
}

/**
 * The rival of a gated call: hands it on and keeps a record, one row before and one after, as a careful proxy would without any
 * decision at all. It checks no token, no stop, no schema and no policy.
 */
serveOrder<ProxyOrder, object>(async ({ port, upstreamUrl, postgresUrl, connections }, ended) => {
  const pool = new Pool({ connectionString: postgresUrl, max: connections });
  const ask = keepAlive('none', 256);
  const record = (callId: string, event: string): Promise<unknown> =>
    pool.query({
      name: 'record',
      text: 'INSERT INTO bench_calls (call_id, event) VALUES ($1, $2)',
      values: [callId, event],
    });
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      void (async () => {
        const callId = randomUUID();
        const message = JSON.parse(Buffer.concat(chunks).toString('utf8')) as object;
        await record(callId, 'asked');
        const { status, text } = await ask('POST', upstreamUrl, { ...message, id: callId });
        await record(callId, 'answered');
        response.writeHead(status, { 'content-type': 'application/json' }).end(text);
      })().catch(() => response.destroy());
    });
  });
  server.listen(port, '127.0.0.1');
  await new Promise((resolve) => ended.addEventListener('abort', resolve, { once: true }));
  server.closeAllConnections();
  await pool.end();
  return {};
});
