import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { serveOrder } from '../program.ts';

export interface LightToolsOrder {
  readonly port: number;
}

export interface LightToolsReport {
  readonly calls: number;
}

/** An MCP server whose one tool does nothing and is answered by hand: what is measured before it must not wait for it. */
serveOrder<LightToolsOrder, LightToolsReport>(async ({ port }, ended) => {
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'light', version: '1' });
    const note = z.object({ note: z.string() });
    server.registerTool('look', { description: 'Reads a note.', inputSchema: note }, () => ({ content: [] }));
    return server;
  });
  const serve = toNodeHandler(handler) as (
    request: IncomingMessage,
    response: ServerResponse,
    body?: unknown,
  ) => Promise<void>; // their description of node's request differs in how it writes "absent"
  let calls = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const message = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as { method?: string; id?: unknown };
      if (message.method !== 'tools/call') return void serve(request, response, message);
      calls += 1;
      const result = { content: [{ type: 'text', text: 'nothing to see' }], resultType: 'complete' };
      const body = JSON.stringify({ jsonrpc: '2.0', id: message.id, result });
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
        .end(body);
    });
  });
  server.listen(port, '127.0.0.1');
  await new Promise((resolve) => ended.addEventListener('abort', resolve, { once: true }));
  server.closeAllConnections();
  return { calls };
});
