import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/**
 * NOT a language model: a server that speaks the OpenAI chat/completions protocol and plays a script, so that demo and tests run
 * without an account. The `model` of a request names the script; the number of assistant messages in it says which turn is next,
 * so the same request gets the same answer, also after a retry.
 */
export interface ScriptedModel {
  /** For `baseUrl` of an `openai-compatible` model. */
  readonly baseUrl: string;
  /** What arrived, oldest first: the body of each request. */
  requests(): readonly unknown[];
  /** Requests whose caller went away before the answer. */
  abandoned(): number;
  stop(): Promise<void>;
}

export interface ScriptedTurn {
  readonly say?: string;
  readonly call?: readonly { readonly tool: string; readonly arguments: unknown }[];
  readonly delayMs?: number;
  /** Never answers. */
  readonly hang?: boolean;
  /** Answers with this HTTP status instead, as often as asked. */
  readonly status?: number;
  readonly tokens?: number;
}

/** A script that ends repeats its last turn: a model that never stops calling tools is one turn long. */
export type Script = readonly ScriptedTurn[];

interface ScriptedModelOptions {
  readonly scripts: Readonly<Record<string, Script>>;
  readonly port?: number;
}

interface ChatRequest {
  readonly model: string;
  readonly messages: readonly { readonly role: string }[];
}

export async function startScriptedModel({ scripts, port }: ScriptedModelOptions): Promise<ScriptedModel> {
  const requests: unknown[] = [];
  let abandoned = 0;
  const server = createServer((request, response) => {
    response.on('close', () => {
      if (!response.writableFinished) abandoned += 1;
    });
    void play(request, response, scripts, requests).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(port ?? 0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the scripted model has no port');
  return {
    baseUrl: `http://127.0.0.1:${address.port}/v1`,
    requests: () => requests,
    abandoned: () => abandoned,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function play(
  request: IncomingMessage,
  response: ServerResponse,
  scripts: ScriptedModelOptions['scripts'],
  requests: unknown[],
): Promise<void> {
  const body: unknown = JSON.parse(await readBody(request));
  requests.push(body);
  if (request.method !== 'POST' || request.url !== '/v1/chat/completions' || !isChatRequest(body))
    return refuse(response, 404, 'not a chat completion');
  const script = scripts[body.model];
  if (script === undefined || script.length === 0) return refuse(response, 404, `no script is called ${body.model}`);
  const index = body.messages.filter(({ role }) => role === 'assistant').length;
  const turn = script[Math.min(index, script.length - 1)] ?? {};
  if (turn.hang === true) return;
  if (turn.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, turn.delayMs));
  if (turn.status !== undefined) return refuse(response, turn.status, 'the script says so');
  answer(response, 200, completionOf(turn, body.model, index));
}

function completionOf({ say, call, tokens }: ScriptedTurn, model: string, index: number): object {
  const calls = (call ?? []).map(({ tool, arguments: input }, position) => ({
    id: `call_${index}_${position}`,
    type: 'function',
    function: { name: tool, arguments: typeof input === 'string' ? input : JSON.stringify(input) },
  }));
  const completionTokens = tokens ?? 10;
  return {
    id: `scripted-${index}`,
    object: 'chat.completion',
    created: 0,
    model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: say ?? null, ...(calls.length > 0 ? { tool_calls: calls } : {}) },
        finish_reason: calls.length > 0 ? 'tool_calls' : 'stop',
      },
    ],
    usage: { prompt_tokens: 0, completion_tokens: completionTokens, total_tokens: completionTokens },
  };
}

function isChatRequest(body: unknown): body is ChatRequest {
  return (
    typeof body === 'object' &&
    body !== null &&
    'model' in body &&
    typeof body.model === 'string' &&
    'messages' in body &&
    Array.isArray(body.messages)
  );
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

function refuse(response: ServerResponse, status: number, message: string): void {
  answer(response, status, { error: { message, type: 'scripted', param: null, code: null } });
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
