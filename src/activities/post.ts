import { type ClientRequest, Agent as HttpAgent, type IncomingHttpHeaders, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { urlToHttpOptions } from 'node:url';
import { traceHeaders } from '../contract/tracing.ts';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

export interface Message {
  /** Another than that of the address. */
  readonly path?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** Rejects with PostFailed where no whole answer came. Sent once: whether it may be sent again is for whoever knows what it was. */
export type Post = (message: Message) => Promise<Reply>;

interface PostOptions {
  /** Bounds what the other side can make this worker hold in memory. */
  readonly mostBytes: number;
  readonly idleConnections: number;
}

export class PostFailed extends Error {
  readonly code: string | undefined;
  /** Of a connection that had served others before: it may have been closed while nobody used it. */
  readonly wasReused: boolean;

  constructor(cause: Error, wasReused: boolean) {
    super(cause.message, { cause });
    this.code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
    this.wasReused = wasReused;
  }

  /** Known for certain; of all else some may have arrived. */
  get wasNeverSent(): boolean {
    return this.code !== undefined && neverSent.has(this.code);
  }
}

const notConnected = 'ESTOP_NOT_CONNECTED';
const neverSent: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', notConnected]);
const connectMs = 10_000;
const silenceMs = 300_000;

/** On bare node:http, over connections that stay open: the global fetch costs the worker half as much CPU again for each (0011). */
export function openPost(url: URL, { mostBytes, idleConnections }: PostOptions): Post {
  const isSecure = url.protocol === 'https:';
  // With a limit of its own it heeds what the other side says of how long it keeps a connection that nobody uses. One that is closed
  // while it is used anew would be taken for an answer that was lost.
  const kept = { keepAlive: true, maxFreeSockets: idleConnections, timeout: silenceMs };
  const agent = new (isSecure ? HttpsAgent : HttpAgent)(kept);
  const request = isSecure ? requestHttps : requestHttp;
  const { protocol, hostname, port, path, auth } = urlToHttpOptions(url); // once, not for each request
  const place = { protocol, hostname, port, path, auth, method: 'POST', agent, timeout: silenceMs };
  return ({ headers, body = '', signal, ...elsewhere }) =>
    new Promise((resolve, reject) => {
      const length = { 'content-length': Buffer.byteLength(body) };
      const sent: ClientRequest = request({
        ...place,
        ...elsewhere,
        headers: { ...traceHeaders(), ...headers, ...length },
        signal,
      });
      const fail = (cause: Error): void => reject(new PostFailed(cause, sent.reusedSocket));
      sent.once('socket', (socket) => {
        if (socket.connecting) boundConnecting(sent, isSecure ? 'secureConnect' : 'connect');
      });
      sent.once('response', (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > mostBytes) response.destroy(new Error(`more than ${mostBytes} bytes`));
          else chunks.push(chunk);
        });
        response.once('error', fail);
        response.once('close', () => {
          const status = response.statusCode ?? 0;
          if (!response.complete) return fail(new Error('the answer broke off'));
          // Nobody here follows it: it is not the answer of whoever was asked.
          if (status >= 300 && status < 400) return fail(new Error('somebody sends us elsewhere'));
          resolve({ status, headers: response.headers, bytes: Buffer.concat(chunks) });
        });
      });
      sent.once('timeout', () => sent.destroy(new Error('nothing was heard for long')));
      // Nobody here speaks another protocol. Unheard, it would end the connection, and neither answer nor error would ever come.
      sent.once('upgrade', (_response, socket) => {
        socket.destroy();
        fail(new Error('somebody wants to speak another protocol'));
      });
      sent.on('error', fail);
      sent.end(body);
    });
}

/** An address that swallows everything would otherwise hold a call as long as the system tries. */
function boundConnecting(sent: ClientRequest, connected: 'connect' | 'secureConnect'): void {
  const late = (): void => void sent.destroy(Object.assign(new Error('no connection in time'), { code: notConnected }));
  const timer = setTimeout(late, connectMs);
  const stop = (): void => clearTimeout(timer);
  sent.socket?.once(connected, stop);
  sent.once('close', stop);
}
