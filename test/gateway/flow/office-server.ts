import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { completable, createMcpHandler, McpServer, ResourceTemplate } from '@modelcontextprotocol/server';
import { z } from 'zod';

export interface OfficeServer {
  readonly url: string;
  readonly sent: { readonly to: string }[];
  /** What came with prompts, completions and addresses. */
  readonly told: string[];
  /** What the inbox holds from now on. */
  inbox: string;
  /** Awaited before the inbox answers. */
  gate: Promise<void>;
  close(): Promise<void>;
}

/** An inbox that anybody can write into, and a way to send. */
export async function startOffice(): Promise<OfficeServer> {
  const office = {
    url: '',
    sent: [] as { to: string }[],
    told: [] as string[],
    inbox: '',
    gate: Promise.resolve(),
    close: async (): Promise<void> => undefined,
  };
  const serve = toNodeHandler(
    createMcpHandler(() => {
      const server = new McpServer({ name: 'office', version: '1' });
      server.registerTool('read_inbox', { description: 'Read the inbox.', inputSchema: z.object({}) }, async () => {
        await office.gate;
        return { content: [{ type: 'text', text: office.inbox }] };
      });
      const letter = z.object({ to: z.string(), body: z.string() });
      server.registerTool('send_email', { description: 'Send an email.', inputSchema: letter }, ({ to }) => {
        office.sent.push({ to });
        return { content: [{ type: 'text', text: 'sent' }] };
      });
      server.registerResource('notes', 'note://today', {}, () => ({
        contents: [{ uri: 'note://today', text: office.inbox }],
      }));
      const topic = completable(z.string(), (value) => {
        office.told.push(value);
        return [value];
      });
      server.registerPrompt('brief', { argsSchema: z.object({ topic }) }, ({ topic: text }) => {
        office.told.push(text);
        return { messages: [{ role: 'user' as const, content: { type: 'text' as const, text: 'Be brief.' } }] };
      });
      server.registerResource('pages', new ResourceTemplate('page://{name}', { list: undefined }), {}, (uri) => {
        office.told.push(uri.href);
        return { contents: [{ uri: uri.href, text: 'A page.' }] };
      });
      return server;
    }),
  ) as (request: unknown, response: unknown) => Promise<void>; // their description of node's request differs in how it writes "absent"
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // listening on TCP
  office.url = `http://127.0.0.1:${port}/mcp`;
  office.close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return office;
}
