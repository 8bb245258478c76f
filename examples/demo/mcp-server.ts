import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

/** A line of the server's own log. It is written here and nowhere else: what a gateway says of a call is not evidence. */
export interface McpLogLine {
  /** Milliseconds since 1970, by this server's clock. */
  readonly at: number;
  /** `arrived`: the whole request is here. `effect`: what the tool does has been done. `aborted`: it saw its client gone first. */
  readonly event: 'arrived' | 'effect' | 'aborted';
  readonly callId: string;
  readonly tool: string;
  readonly taskId: string;
  readonly agentId: string;
  readonly body?: string;
  /** W3C Trace Context, where there is one: as the header had it, and as the message. */
  readonly traceparent?: readonly [header: string, meta: unknown];
}

export interface McpCall {
  readonly callId: string;
  readonly tool: string;
  readonly taskId: string;
  readonly agentId: string;
  /** When it arrived. */
  readonly at: number;
  readonly effectAt: number | undefined;
  readonly abortedAt: number | undefined;
}

export interface McpDemoServer {
  readonly url: string;
  log(): readonly McpLogLine[];
  calls(): readonly McpCall[];
  stop(): Promise<void>;
}

export interface McpDemoOptions {
  readonly logPath: string;
  readonly host?: string;
  readonly port?: number;
  /** If given, requests without this bearer token are refused: an agent cannot go round the gateway that holds it. */
  readonly token?: string;
  /** Also keep each request's body as it arrived. */
  readonly logBodies?: boolean;
}

/** Everything that reached the server, by call; from the log file, so that it can be asked after a crash as well. */
export function readMcpLog(logPath: string): readonly McpLogLine[] {
  const lines = readFileSync(logPath, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as McpLogLine); // written by `record` below
}

export function callsOf(log: readonly McpLogLine[]): readonly McpCall[] {
  const at = (event: McpLogLine['event'], callId: string): number | undefined =>
    log.find((line) => line.event === event && line.callId === callId)?.at;
  return log
    .filter((line) => line.event === 'arrived')
    .map(({ callId, tool, taskId, agentId, at: arrivedAt }) => ({
      callId,
      tool,
      taskId,
      agentId,
      at: arrivedAt,
      effectAt: at('effect', callId),
      abortedAt: at('aborted', callId),
    }));
}

/** A small billing system as an MCP server over streamable HTTP. It knows nothing of estop and trusts whoever calls it. */
export async function startMcpServer(options: McpDemoOptions): Promise<McpDemoServer> {
  mkdirSync(dirname(options.logPath), { recursive: true });
  appendFileSync(options.logPath, '');
  const record: Record = (event, caller, body) => {
    // Synchronous and appended: a line is in the file before the tool goes on.
    appendFileSync(
      options.logPath,
      `${JSON.stringify({ at: Date.now(), event, ...caller, ...(body === undefined ? {} : { body }) })}\n`,
    );
  };
  const handler = createMcpHandler(() => billingServer(record));
  // node's own request type and the adapter's description of it differ in how they write "absent".
  const serve = toNodeHandler(handler) as (
    request: IncomingMessage,
    response: ServerResponse,
    body?: unknown,
  ) => Promise<void>;
  const server = createServer((request, response) => {
    void (async () => {
      if (options.token !== undefined && request.headers.authorization !== `Bearer ${options.token}`) {
        request.resume();
        response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
        return;
      }
      if (request.method !== 'POST') return serve(request, response);
      const body = await readText(request);
      const message = JSON.parse(body) as unknown;
      const caller = callerOf(message);
      const { traceparent } = request.headers;
      const traced = typeof traceparent === 'string' ? { traceparent: [traceparent, traceOf(message)] as const } : {};
      if (caller !== undefined)
        record('arrived', { ...caller, ...traced }, options.logBodies === true ? body : undefined);
      await serve(request, response, message);
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve));
  const { address, port } = server.address() as AddressInfo; // listening on TCP
  return {
    url: `http://${address}:${port}/mcp`,
    log: () => readMcpLog(options.logPath),
    calls: () => callsOf(readMcpLog(options.logPath)),
    stop: async () => {
      await handler.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Caller = Pick<McpLogLine, 'callId' | 'tool' | 'taskId' | 'agentId' | 'traceparent'>;
type Record = (event: McpLogLine['event'], caller: Caller, body?: string) => void;

const invoices = [
  { id: 'INV-1', customer: 'Ada Lovelace', cents: 12_000, status: 'overdue' },
  { id: 'INV-2', customer: 'Grace Hopper', cents: 4_550, status: 'paid' },
  { id: 'INV-3', customer: 'Edsger Dijkstra', cents: 99_900, status: 'overdue' },
];

const invoiceId = z.string().regex(/^INV-[0-9]{1,9}$/);
const text = (value: unknown) => ({
  content: [{ type: 'text' as const, text: typeof value === 'string' ? value : JSON.stringify(value) }],
});

interface ToolContext {
  readonly mcpReq: { readonly id: string | number; readonly signal: AbortSignal; readonly _meta?: object };
}

function billingServer(record: Record): McpServer {
  const server = new McpServer({ name: 'billing', version: '1.0.0' });
  const effect = (tool: string, context: ToolContext): void =>
    record('effect', { callId: String(context.mcpReq.id), tool, ...identityOf(context.mcpReq._meta) });

  server.registerTool(
    'list_invoices',
    { description: 'Lists all invoices.', inputSchema: z.object({}), annotations: { readOnlyHint: true } },
    (_args, context) => {
      effect('list_invoices', context);
      return text(invoices);
    },
  );
  server.registerTool(
    'get_invoice',
    {
      description: 'Reads one invoice.',
      inputSchema: z.object({ invoice_id: invoiceId }),
      annotations: { readOnlyHint: true },
    },
    ({ invoice_id }, context) => {
      effect('get_invoice', context);
      return text(invoices.find(({ id }) => id === invoice_id) ?? 'no such invoice');
    },
  );
  server.registerTool(
    'send_reminder',
    {
      description: 'Sends a payment reminder by e-mail.',
      inputSchema: z.object({ invoice_id: invoiceId, note: z.string().max(2_000).optional() }),
      annotations: { destructiveHint: false },
    },
    ({ invoice_id }, context) => {
      effect('send_reminder', context);
      return text(`A reminder for ${invoice_id} was sent.`);
    },
  );
  server.registerTool(
    'refund_payment',
    {
      description: 'Pays an invoice back. Cannot be undone.',
      inputSchema: z.object({ invoice_id: invoiceId, cents: z.int().positive() }),
      annotations: { destructiveHint: true },
    },
    ({ invoice_id, cents }, context) => {
      effect('refund_payment', context);
      return text(`${cents} cents of ${invoice_id} were paid back.`);
    },
  );
  server.registerTool(
    'slow_report',
    {
      description: 'Makes a report, which takes a while.',
      inputSchema: z.object({ seconds: z.number().min(0).max(300) }),
      annotations: { readOnlyHint: true },
    },
    async ({ seconds }, context) => {
      const { signal, id, _meta } = context.mcpReq;
      try {
        await sleep(seconds * 1_000, undefined, { signal });
      } catch {
        record('aborted', { callId: String(id), tool: 'slow_report', ...identityOf(_meta) });
        return { ...text('aborted'), isError: true };
      }
      effect('slow_report', context);
      return text(`The report took ${seconds} s.`);
    },
  );
  return server;
}

/** Of a tools/call, who asked and for what; other messages are no calls. */
function callerOf(message: unknown): Caller | undefined {
  const call = z
    .object({
      id: z.union([z.string(), z.number()]),
      method: z.literal('tools/call'),
      params: z.looseObject({ name: z.string(), _meta: z.looseObject({}).optional() }),
    })
    .safeParse(message);
  if (!call.success) return undefined;
  const { id, params } = call.data;
  return { callId: String(id), tool: params.name, ...identityOf(params._meta) };
}

function identityOf(meta: unknown): Pick<McpLogLine, 'taskId' | 'agentId'> {
  const { data } = z.looseObject({ 'estop/taskId': z.string(), 'estop/agentId': z.string() }).safeParse(meta);
  return { taskId: data?.['estop/taskId'] ?? '', agentId: data?.['estop/agentId'] ?? '' };
}

const metaOf = z.looseObject({ params: z.looseObject({ _meta: z.looseObject({}) }) });

function traceOf(message: unknown): unknown {
  return metaOf.safeParse(message).data?.params._meta['traceparent'];
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
