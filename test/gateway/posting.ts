import type { RunningGateway } from './rig.ts';

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
  /** Of a tool call: the text of its result. */
  readonly text: string;
  readonly isError: boolean;
  readonly meta: Readonly<Record<string, unknown>>;
}

/** One request of the revision that keeps no session. */
export function callTool(
  gateway: RunningGateway,
  token: string,
  name: string,
  args: unknown,
  signal?: AbortSignal,
): Promise<Reply> {
  return post(
    gateway,
    token,
    { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } },
    signal,
  );
}

interface Message {
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

export const envelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

export function post(gateway: RunningGateway, token: string, message: Message, signal?: AbortSignal): Promise<Reply> {
  const name = message.params?.['name'];
  const headers = {
    authorization: `Bearer ${token}`,
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': message.method,
    ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
  };
  return postRaw(
    gateway,
    JSON.stringify({
      ...message,
      params: { ...message.params, _meta: { ...envelope, ...Object(message.params?.['_meta']) } },
    }),
    headers,
    signal,
  );
}

export async function postRaw(
  gateway: RunningGateway,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal | null = null,
): Promise<Reply> {
  const response = await fetch(`${gateway.url}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
    body,
    signal,
  });
  const text = await response.text();
  const parsed = (text === '' ? {} : JSON.parse(text)) as Readonly<Record<string, unknown>>; // every answer of a gateway is an object
  const result = (parsed['result'] ?? {}) as {
    readonly content?: readonly { readonly text?: string }[];
    readonly isError?: boolean;
    readonly _meta?: Record<string, unknown>;
  }; // a tool result, or lacks these
  return {
    status: response.status,
    headers: response.headers,
    body: parsed,
    text: result.content?.[0]?.text ?? '',
    isError: result.isError === true,
    meta: result._meta ?? {},
  };
}
