import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

/** How the next call is answered: with the raw response in hand, so that it can be as wrong as it likes. */
export type Misbehaviour = (
  response: ServerResponse,
  call: { readonly id: string; readonly request: IncomingMessage },
) => void;

export interface HostileUpstream {
  readonly url: string;
  misbehave: Misbehaviour;
  /** Calls whose client was gone before the answer was complete. */
  readonly abandoned: string[];
  readonly received: string[];
  stop(): Promise<void>;
}

/** An MCP server that shakes hands and lists like any other, and answers calls as it is told to. */
export async function startHostileUpstream(): Promise<HostileUpstream> {
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'hostile', version: '1' });
    const answer = () => ({ content: [] });
    server.registerTool('act', { description: 'Does something.', inputSchema: z.object({}) }, answer);
    server.registerTool('a'.repeat(125), { inputSchema: z.object({}) }, answer);
    server.registerTool(
      'wants_header',
      { inputSchema: z.object({ region: z.string().meta({ 'x-mcp-header': 'Region' }) }) },
      answer,
    );
    return server;
  });
  const serve = toNodeHandler(handler) as (
    request: IncomingMessage,
    response: ServerResponse,
    body?: unknown,
  ) => Promise<void>; // their description of node's request differs in how it writes "absent"
  const abandoned: string[] = [];
  const received: string[] = [];
  const upstream = { misbehave: ((response) => response.destroy()) as Misbehaviour };
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const message = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as {
        readonly method?: string;
        readonly id?: unknown;
      };
      if (message.method !== 'tools/call') return serve(request, response, message);
      const id = JSON.stringify(message.id).replaceAll('"', '');
      received.push(id);
      response.once('close', () => {
        if (!response.writableFinished) abandoned.push(id);
      });
      upstream.misbehave(response, { id, request });
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // listening on TCP
  return Object.assign(upstream, {
    url: `http://127.0.0.1:${port}/mcp`,
    abandoned,
    received,
    stop: async () => {
      await handler.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
