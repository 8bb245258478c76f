import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AskingServer {
  readonly url: string;
  /** On the stream of its newest session, in the middle of nothing. */
  ask(id: string, method: string, params: object): void;
  /** The next call waits, and may ask meanwhile, until it is let go. */
  hold(): Promise<HeldCall>;
  /** What it was told, by the id of its question. */
  readonly told: Map<string, unknown>;
  /** How many sessions have listened. */
  readonly listeners: () => number;
  /** How many of them have left. */
  readonly leavers: () => number;
  stop(): Promise<void>;
}

export interface HeldCall {
  ask(id: string, method: string, params: object): void;
  letGo(): void;
}

/** A server of the older revisions that asks its client of its own accord. */
export async function startAskingServer(): Promise<AskingServer> {
  const told = new Map<string, unknown>();
  let stream: ServerResponse | undefined;
  let sessions = 0;
  let listeners = 0;
  let leavers = 0;
  let held: ((call: HeldCall) => void) | undefined;
  const results: Readonly<Record<string, object>> = {
    'initialize': {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'asking', version: '1' },
    },
    'tools/list': { tools: [{ name: 'look', description: 'Looks.', inputSchema: { type: 'object' } }] },
    'tools/call': { content: [{ type: 'text', text: 'looked' }] },
  };
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      stream = response;
      listeners += 1;
      response.once('close', () => {
        leavers += 1;
      });
      return;
    }
    // Each message on a connection of its own: where one has to be made, time passes before anything is sent.
    response.shouldKeepAlive = false;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      const { id, method, ...rest } = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as {
        readonly id?: unknown;
        readonly method?: string;
      }; // what a gateway writes
      if (method === undefined && typeof id === 'string') told.set(id, rest);
      const result = method === undefined ? undefined : results[method];
      if (id === undefined || method === undefined) return void response.writeHead(202).end();
      const said = result === undefined ? { error: { code: -32_601, message: 'unknown' } } : { result };
      if (method === 'tools/call' && held !== undefined) {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const say = (message: object): boolean =>
          response.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
        held({
          ask: (question, asked, params) => void say({ id: question, method: asked, params }),
          letGo: () => {
            say({ id, ...said });
            response.end();
          },
        });
        held = undefined;
        return;
      }
      if (method === 'initialize') response.setHeader('mcp-session-id', `s${(sessions += 1)}`);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id, ...said }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, // listening on TCP
    told,
    ask: (id, method, params) => {
      stream?.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n\n`);
    },
    listeners: () => listeners,
    leavers: () => leavers,
    hold: () =>
      new Promise((resolve) => {
        held = resolve;
      }),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
