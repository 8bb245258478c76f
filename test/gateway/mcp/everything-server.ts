import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  type EventStore,
  inputRequired,
  type JSONRPCMessage,
  McpServer,
  type ServerContext,
  validateHostHeader,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { pixel, prompts, question, resources } from './everything-to-read.ts';

export interface EverythingServer {
  readonly url: string;
  stop(): Promise<void>;
}

const silence = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA==';
const none = z.object({});
const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] });
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

export const everythingTools: readonly string[] = [
  'test_audio_content',
  'test_elicitation',
  'test_elicitation_sep1034_defaults',
  'test_elicitation_sep1330_enums',
  'test_embedded_resource',
  'test_error_handling',
  'test_image_content',
  'test_input_required_result_elicitation',
  'test_input_required_result_list_roots',
  'test_input_required_result_multi_round',
  'test_input_required_result_multiple_inputs',
  'test_input_required_result_request_state',
  'test_input_required_result_sampling',
  'test_input_required_result_tampered_state',
  'test_multiple_content_types',
  'test_sampling',
  'test_simple_text',
  'test_tool_with_logging',
  'test_tool_with_progress',
];

/** A server that has a bit of everything, under the names by which the conformance suite asks for it; in both eras. */
export async function startEverythingServer(): Promise<EverythingServer> {
  const modern = createMcpHandler(() => everything());
  const serveModern = toNodeHandler(modern) as Serve;
  const transports = new Map<string, NodeStreamableHTTPServerTransport>();
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!validateHostHeader(request.headers.host ?? '', ['localhost', '127.0.0.1']).ok)
      return void response.writeHead(403).end();
    const origin = request.headers.origin;
    if (origin !== undefined && !/^http:\/\/(localhost|127\.0\.0\.1)(:\d+)?$/.test(origin))
      return void response.writeHead(403).end();
    const body = request.method === 'POST' ? await bodyOf(request) : undefined;
    const known = transports.get(String(request.headers['mcp-session-id'] ?? ''));
    if (known !== undefined) return known.handleRequest(request, response, body);
    const isHandshake =
      request.headers['mcp-protocol-version'] !== '2026-07-28' &&
      typeof body === 'object' &&
      body !== null &&
      'method' in body &&
      body.method === 'initialize';
    if (!isHandshake) {
      if (request.headers['mcp-session-id'] === undefined) return serveModern(request, response, body);
      return void response
        .writeHead(404, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32_001, message: 'Session not found' } }));
    }
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: keptEvents(),
      retryInterval: 1_000,
      onsessioninitialized: (id) => void transports.set(id, transport),
    });
    await everything().connect(transport);
    await transport.handleRequest(request, response, body);
  };
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // listening on TCP
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    stop: async () => {
      await modern.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function keptEvents(): EventStore {
  const events: { readonly id: string; readonly stream: string; readonly message: JSONRPCMessage }[] = [];
  return {
    storeEvent: async (stream, message) => {
      const id = `${stream}::${events.length}`;
      events.push({ id, stream, message });
      return id;
    },
    replayEventsAfter: async (lastId, { send }) => {
      const stream = lastId.split('::')[0] ?? '';
      const after = events.findIndex(({ id }) => id === lastId);
      for (const event of events.slice(after + 1)) if (event.stream === stream) await send(event.id, event.message);
      return stream;
    },
  };
}

type Serve = (request: IncomingMessage, response: ServerResponse, body?: unknown) => Promise<void>;

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
}

function everything(): McpServer {
  const server = new McpServer(
    { name: 'everything', version: '1' },
    {
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        prompts: { listChanged: true },
        logging: {},
        completions: {},
      },
    },
  );
  contentTools(server);
  talkingTools(server);
  inputTools(server);
  resources(server);
  prompts(server);
  server.server.setRequestHandler('completion/complete', () => ({
    completion: { values: ['paris', 'park'], total: 2, hasMore: false },
  }));
  server.server.setRequestHandler('resources/subscribe', () => ({}));
  server.server.setRequestHandler('resources/unsubscribe', () => ({}));
  return server;
}

function contentTools(server: McpServer): void {
  const tool = (name: string, content: object[]) =>
    server.registerTool(name, { description: `Answers with ${name}.`, inputSchema: none }, () => ({
      content: content as never,
    })); // the suite's own shapes
  const image = { type: 'image', data: pixel, mimeType: 'image/png' };
  const embedded = (uri: string, mimeType: string, words: string) => ({
    type: 'resource',
    resource: { uri, mimeType, text: words },
  });
  tool('test_simple_text', [{ type: 'text', text: 'This is a simple text response for testing.' }]);
  tool('test_image_content', [image]);
  tool('test_audio_content', [{ type: 'audio', data: silence, mimeType: 'audio/wav' }]);
  tool('test_embedded_resource', [
    embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.'),
  ]);
  tool('test_multiple_content_types', [
    { type: 'text', text: 'Multiple content types test:' },
    image,
    embedded('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
  ]);
  server.registerTool('test_error_handling', { description: 'Fails.', inputSchema: none }, () => {
    throw new Error('This tool intentionally returns an error for testing');
  });
}

function talkingTools(server: McpServer): void {
  const tool = (
    name: string,
    inputSchema: z.ZodObject,
    run: (context: ServerContext, args: Record<string, unknown>) => Promise<object>,
  ) =>
    server.registerTool(
      name,
      { description: `Talks: ${name}.`, inputSchema },
      (args, context) => run(context, args) as never,
    ); // results as the suite wants them
  tool('test_tool_with_logging', none, async ({ mcpReq }) => {
    for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      await mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data } });
      await pause();
    }
    return text('Logged.');
  });
  tool('test_tool_with_progress', none, async ({ mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken;
    for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
      await mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken: progressToken as string, progress, total: 100, message: `Step ${progress}` }, // a string or a number
      });
      await pause();
    }
    return text('Progressed.');
  });
  tool('test_sampling', z.object({ prompt: z.string() }), async ({ mcpReq }, { prompt }) => {
    const result = await mcpReq.requestSampling({
      messages: [{ role: 'user', content: { type: 'text', text: String(prompt) } }],
      maxTokens: 100,
    });
    return text(`LLM response: ${JSON.stringify(result.content)}`);
  });
  const ask = async ({ mcpReq }: ServerContext, message: string, properties: object, required: string[] = []) => {
    const answer = await mcpReq.elicitInput({
      message,
      requestedSchema: { type: 'object', properties, required } as never, // the suite's own shapes
    });
    return text(`User response: action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`);
  };
  tool('test_elicitation', z.object({ message: z.string() }), (context, { message }) =>
    ask(context, String(message), { username: { type: 'string' }, email: { type: 'string' } }, ['username', 'email']),
  );
  tool('test_elicitation_sep1034_defaults', none, (context) =>
    ask(context, 'With defaults', {
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    }),
  );
  const titled = (value: string, title: string) => ({ const: value, title });
  tool('test_elicitation_sep1330_enums', none, (context) =>
    ask(context, 'With enums', {
      untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
      titledSingle: {
        type: 'string',
        oneOf: [titled('value1', 'First'), titled('value2', 'Second'), titled('value3', 'Third')],
      },
      legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['One', 'Two', 'Three'] },
      untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
      titledMulti: {
        type: 'array',
        items: { anyOf: [titled('value1', 'First'), titled('value2', 'Second'), titled('value3', 'Third')] },
      },
    }),
  );
}

const sample = inputRequired.createMessage({
  messages: [{ role: 'user', content: { type: 'text', text: 'What is the capital of France?' } }],
  maxTokens: 100,
});

/** Tools of the newest revision: they end by asking, and are called again with the answers. */
function inputTools(server: McpServer): void {
  type Requests = NonNullable<Parameters<typeof inputRequired>[0]['inputRequests']>;
  const asking = (name: string, inputRequests: Requests, state?: string): void => {
    server.registerTool(name, { description: `Asks: ${name}.`, inputSchema: none }, (_args, { mcpReq }) => {
      const given = mcpReq.inputResponses ?? {};
      if (Object.keys(inputRequests).every((key) => Object.hasOwn(given, key))) {
        return text(
          `Answered${state === undefined ? '' : ` state-ok ${JSON.stringify(mcpReq.requestState())}`}: ${JSON.stringify(given)}`,
        );
      }
      return inputRequired({ inputRequests, ...(state === undefined ? {} : { requestState: state }) });
    });
  };
  asking('test_input_required_result_elicitation', { user_name: question });
  asking('test_input_required_result_sampling', { capital_question: sample });
  asking('test_input_required_result_list_roots', { client_roots: inputRequired.listRoots() });
  asking('test_input_required_result_request_state', { confirm: question }, 'state-1');
  asking(
    'test_input_required_result_multiple_inputs',
    { user_name: question, greeting: sample, client_roots: inputRequired.listRoots() },
    'state-2',
  );
  asking('test_input_required_result_tampered_state', { confirm: question }, 'state-3');
  server.registerTool(
    'test_input_required_result_multi_round',
    { description: 'Asks twice.', inputSchema: none },
    (_args, { mcpReq }) => {
      const given = mcpReq.inputResponses ?? {};
      if (Object.hasOwn(given, 'step2')) return text('Both answered.');
      const step = Object.hasOwn(given, 'step1') ? 'step2' : 'step1';
      return inputRequired({ inputRequests: { [step]: question }, requestState: step });
    },
  );
}
