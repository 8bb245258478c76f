import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/**
 * NOT a language model: a local server that speaks chat/completions, responses and messages, and says always the same. What it
 * is to do otherwise, a test says with `misbehave`.
 */
export interface ProtocolServer {
  readonly origin: string;
  readonly baseUrl: string;
  readonly asked: AskedOfProvider[];
  /** How many of its answers were cut before they were whole. */
  cut(): number;
  misbehave(how: ((response: ServerResponse, request: AskedOfProvider) => void) | undefined): void;
  close(): Promise<void>;
}

export interface AskedOfProvider {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Readonly<Record<string, unknown>>;
}

export async function startProtocolServer(): Promise<ProtocolServer> {
  const asked: AskedOfProvider[] = [];
  let cut = 0;
  let misbehaviour: ((response: ServerResponse, request: AskedOfProvider) => void) | undefined;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    response.on('close', () => {
      if (!response.writableFinished) cut += 1;
    });
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as AskedOfProvider['body']; // only requests of our own gateway come here
      const one = { path: request.url ?? '', headers: request.headers, body };
      asked.push(one);
      if (misbehaviour !== undefined) return misbehaviour(response, one);
      answer(response, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    origin: `http://127.0.0.1:${port}`,
    baseUrl: `http://127.0.0.1:${port}/v1`,
    asked,
    cut: () => cut,
    misbehave: (how) => {
      misbehaviour = how;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(response: ServerResponse, { path, body }: AskedOfProvider): void {
  const streams = body['stream'] === true;
  switch (path) {
    case '/v1/chat/completions':
      return streams ? sendEvents(response, chatEvents(body)) : sendJson(response, 200, chatAnswer);
    case '/v1/responses':
      return streams ? sendEvents(response, responseEvents) : sendJson(response, 200, responsesAnswer);
    case '/v1/messages':
      return streams ? sendEvents(response, messageEvents) : sendJson(response, 200, messagesAnswer);
    default:
      return sendJson(response, 404, { error: { message: 'no such path' } });
  }
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'req-of-provider' });
  response.end(JSON.stringify(body));
}

export const eventStream = { 'content-type': 'text/event-stream' } as const;

function sendEvents(response: ServerResponse, events: readonly string[]): void {
  response.writeHead(200, eventStream);
  for (const event of events) response.write(event);
  response.end();
}

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const named = (value: { readonly type: string; readonly [key: string]: unknown }): string =>
  `event: ${value.type}\n${data(value)}`;

/** 100 in, of which 40 from the cache, and 20 out. */
const chatUsage = {
  prompt_tokens: 100,
  completion_tokens: 20,
  total_tokens: 120,
  prompt_tokens_details: { cached_tokens: 40 },
};
const odd = '{"city":"Zürich", "n": 1.50}';
const chatCall = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: odd } };
const chatBase = { id: 'chatcmpl-1', created: 1, model: 'real-model' };
const chatAnswer = {
  ...chatBase,
  object: 'chat.completion',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'Grüezi', tool_calls: [chatCall] },
      finish_reason: 'tool_calls',
    },
  ],
  usage: chatUsage,
};
const chatChunk = (delta: object, finish: string | null = null): object => ({
  ...chatBase,
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta, finish_reason: finish }],
});
/** One event of a chat/completions stream. */
export const saying = (content: string): string => data(chatChunk({ content }));
function chatEvents(body: AskedOfProvider['body']): readonly string[] {
  const options = body['stream_options'] as { readonly include_usage?: boolean } | undefined; // as the protocol has it
  const usage = options?.include_usage === true;
  const chunk = (delta: object, finish: string | null = null): string =>
    data({ ...chatChunk(delta, finish), ...(usage ? { usage: null } : {}) });
  return [
    chunk({ role: 'assistant', content: 'Grü' }),
    chunk({ content: 'ezi' }),
    chunk({ tool_calls: [{ index: 0, ...chatCall, function: { name: 'weather', arguments: odd.slice(0, 9) } }] }),
    chunk({ tool_calls: [{ index: 0, function: { arguments: odd.slice(9) } }] }),
    chunk({}, 'tool_calls'),
    ...(usage ? [data({ ...chatBase, object: 'chat.completion.chunk', choices: [], usage: chatUsage })] : []),
    'data: [DONE]\n\n',
  ];
}

const responsesUsage = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 40 },
  output_tokens: 20,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 120,
};
const responsesText = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text: 'Grüezi', annotations: [] }],
};
const responsesCall = {
  id: 'fc_1',
  type: 'function_call',
  call_id: 'call_1',
  name: 'weather',
  arguments: odd,
  status: 'completed',
};
const responsesAnswer = {
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  status: 'completed',
  model: 'real-model',
  output: [responsesText, responsesCall],
  usage: responsesUsage,
};
const responsesBegun = { ...responsesAnswer, status: 'in_progress', output: [], usage: null };
const responseEvents = [
  { type: 'response.created', response: responsesBegun },
  { type: 'response.output_item.added', output_index: 0, item: { ...responsesText, content: [] } },
  {
    type: 'response.content_part.added',
    item_id: 'msg_1',
    output_index: 0,
    content_index: 0,
    part: { type: 'output_text', text: '', annotations: [] },
  },
  { type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta: 'Grüezi' },
  { type: 'response.output_text.done', item_id: 'msg_1', output_index: 0, content_index: 0, text: 'Grüezi' },
  { type: 'response.output_item.done', output_index: 0, item: responsesText },
  { type: 'response.output_item.added', output_index: 1, item: { ...responsesCall, arguments: '' } },
  { type: 'response.function_call_arguments.delta', item_id: 'fc_1', output_index: 1, delta: odd },
  { type: 'response.function_call_arguments.done', item_id: 'fc_1', output_index: 1, arguments: odd },
  { type: 'response.output_item.done', output_index: 1, item: responsesCall },
  { type: 'response.completed', response: responsesAnswer },
].map((event, index) => named({ sequence_number: index, ...event }));

const messagesBase = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'real-model',
  stop_sequence: null,
};
/** 60 in, 40 from the cache, 10 written to it, and 20 out. */
const messagesUsage = {
  input_tokens: 60,
  cache_read_input_tokens: 40,
  cache_creation_input_tokens: 10,
  output_tokens: 20,
};
const messagesAnswer = {
  ...messagesBase,
  content: [
    { type: 'text', text: 'Grüezi' },
    { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Zürich', n: 1.5 } },
  ],
  stop_reason: 'tool_use',
  usage: messagesUsage,
};
const messageEvents = [
  {
    type: 'message_start',
    message: { ...messagesBase, content: [], stop_reason: null, usage: { ...messagesUsage, output_tokens: 1 } },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'ping' },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Grüezi' } },
  { type: 'content_block_stop', index: 0 },
  {
    type: 'content_block_start',
    index: 1,
    content_block: { type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} },
  },
  { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: odd } },
  { type: 'content_block_stop', index: 1 },
  { type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: null }, usage: { output_tokens: 20 } },
  { type: 'message_stop' },
].map(named);
