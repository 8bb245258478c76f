import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createGzip } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { discover } from '../../src/gateway/upstream/discover.ts';
import { ProcessWay } from '../../src/gateway/upstream/process-way.ts';
import { tempFolder } from '../kit/temp-folder.ts';

type Answer = (message: Readonly<Record<string, unknown>>, response: ServerResponse, request: IncomingMessage) => void;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Listener {
  readonly url: URL;
  readonly asked: { readonly method: unknown; readonly authorization: string | undefined }[];
}

async function listen(answer: Answer): Promise<Listener> {
  const asked: Listener['asked'][number][] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const pieces: Buffer[] = [];
      for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
      const text = Buffer.concat(pieces).toString('utf8');
      const message = (text === '' ? {} : JSON.parse(text)) as Readonly<Record<string, unknown>>; // what the client sends
      asked.push({ method: message['method'], authorization: request.headers.authorization });
      answer(message, response, request);
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo; // listening on TCP
  return { url: new URL(`http://127.0.0.1:${port}/mcp`), asked };
}

const say = (response: ServerResponse, body: object): void =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', ...body }));

/** Of the older revisions, as far as the list. */
const shakesHands =
  (list: (id: unknown, response: ServerResponse) => void): Answer =>
  ({ id, method }, response) => {
    if (method === 'tools/list') return list(id, response);
    if (method === 'initialize')
      return say(response, {
        id,
        result: {
          protocolVersion: '2025-06-18',
          capabilities: { tools: {} },
          serverInfo: { name: 's', version: '1' },
        },
      });
    if (id === undefined) return void response.writeHead(202).end();
    say(response, { id, error: { code: -32_601, message: 'no such method' } });
  };

const tool = { name: 'act', inputSchema: { type: 'object' } };

describe('a server that is asked for its tools', () => {
  it('is listed page by page (so that the ones below are given up for what is wrong with them)', async () => {
    let pages = 0;
    const { url } = await listen(
      shakesHands((id, response) => {
        pages += 1;
        const tools = [{ ...tool, name: `act_${pages}` }];
        say(response, { id, result: { tools, ...(pages < 3 ? { nextCursor: String(pages) } : {}) } });
      }),
    );
    const found = await discover(url, 'Bearer secret');
    await found.close();
    expect(found.tools.map(({ name }) => name)).toEqual(['act_1', 'act_2', 'act_3']);
  });

  it.each([301, 302, 303, 307, 308])('and that leads elsewhere is not followed (%d)', async (status) => {
    const within = await listen(shakesHands((id, response) => say(response, { id, result: { tools: [tool] } })));
    const { url, asked } = await listen(
      (_message, response) => void response.writeHead(status, { location: within.url.href }).end(),
    );
    await expect(discover(url, 'Bearer secret')).rejects.toThrow();
    expect(asked.length).toBeGreaterThan(0);
    expect(within.asked).toEqual([]);
  });

  it('and that leads elsewhere with its list alone is not followed either', async () => {
    const within = await listen(shakesHands((id, response) => say(response, { id, result: { tools: [tool] } })));
    const { url } = await listen(
      shakesHands((_id, response) => void response.writeHead(307, { location: within.url.href }).end()),
    );
    await expect(discover(url, undefined)).rejects.toThrow();
    expect(within.asked).toEqual([]);
  });

  it.each(['identity', 'gzip'])(
    'and that answers with a gigabyte (%s) is given up after some megabytes',
    async (encoding) => {
      let poured = 0;
      const { url } = await listen(
        shakesHands((id, response) => {
          response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding });
          const out = encoding === 'gzip' ? createGzip() : response;
          if (out !== response) out.pipe(response);
          const piece = Buffer.alloc(1024 * 1024, ' ');
          out.write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"tools":[`);
          const pour = (): void => {
            while (poured < 200 && !response.destroyed) {
              poured += 1;
              if (!out.write(piece)) return void out.once('drain', pour);
            }
            out.end(']}}');
          };
          pour();
        }),
      );
      await expect(discover(url, undefined)).rejects.toThrow();
      // What was packed has been packed at once.
      if (encoding === 'identity') expect(poured).toBeLessThan(200);
    },
  );

  it('and whose list never ends is given up', async () => {
    let pages = 0;
    const { url } = await listen(
      shakesHands((id, response) => {
        pages += 1;
        say(response, { id, result: { tools: [{ ...tool, name: `act_${pages}` }], nextCursor: String(pages) } });
      }),
    );
    await expect(discover(url, undefined)).rejects.toThrow();
    expect(pages).toBeLessThanOrEqual(1_000);
  });

  it('and whose list never ends is given up after some megabytes, also if it is a process', async () => {
    const pages = join(tempFolder(), 'pages');
    const program = join(import.meta.dirname, 'mcp/programs/endless-list-server.ts');
    const secrets = { ready: () => undefined, read: () => '' };
    const way = new ProcessWay({ command: process.execPath, args: [program], env: { PAGES_PATH: pages } }, secrets);
    closers.push(() => void way.close());
    await expect(way.discover()).rejects.toThrow();
    // Of three megabytes each.
    expect(Number(readFileSync(pages, 'utf8'))).toBeLessThan(16);
  });
});
