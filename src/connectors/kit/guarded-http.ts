import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { GatheredBytes } from '../../contract/gathered-bytes.ts';
import { traceHeaders } from '../../contract/tracing.ts';
import { EstopError } from '../../core/errors.ts';
import { type Network, type ResolvedAddress, resolveAddress } from './address.ts';
import { awakeTimeout } from './awake-time.ts';
import { retryAfterMs } from './retry-after.ts';

export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | URLSearchParams;
  /** The trust choice, made at every call, for the origin of `url`: no redirect leads to another. */
  readonly network: Network;
  readonly signal: AbortSignal;
  /** Of the whole call, redirects included. */
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  /** Within the same origin alone. Default 0: a 3xx is an answer like any other. */
  readonly maxRedirects?: number;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Lower case, without parameters; empty if there is none. */
  readonly contentType: string;
  readonly body: string;
  readonly retryAfterMs: number | undefined;
}

const defaultTimeoutMs = 10_000;
const defaultMaxBytes = 1024 * 1024;

/**
 * The one way for a connector to speak HTTP. The address is resolved once, checked, and connected to; the name is kept for TLS and
 * for the Host header. No keep-alive (a reused socket was checked for another call), no proxy variables, no compression.
 * Throws address-refused, connector-unavailable (no answer) or connector-garbage (no answer that can be read). Its errors name
 * method and origin: path, query, headers and bodies may hold secrets.
 */
export async function guardedHttp(call: HttpCall): Promise<HttpReply> {
  const signal = AbortSignal.any([call.signal, awakeTimeout(call.timeoutMs ?? defaultTimeoutMs)]);
  const home = parseUrl(call.url);
  let url = home;
  let next: Hop = {
    method: call.method,
    headers: call.headers ?? {},
    body: call.body === undefined ? undefined : String(call.body),
  };
  for (let hops = 0; ; hops += 1) {
    const reply = await exchange(url, next, call.network, {
      signal,
      maxBytes: call.maxBytes ?? defaultMaxBytes,
      form: call.body instanceof URLSearchParams,
    });
    const location = redirectOf(reply);
    if (location === undefined || (call.maxRedirects ?? 0) === 0) return reply;
    if (hops >= (call.maxRedirects ?? 0)) throw garbage(call.method, home, 'too many redirects');
    url = parseUrl(location, url);
    // What we carry (credentials, tokens, forms) was meant for one origin; no system of ours needs another.
    if (url.origin !== home.origin) throw refused('a redirect to another origin');
    next = redirected(next, reply.status);
  }
}

/** The body as JSON: anything else, `text/html` with status 200 included, is garbage and never an answer. */
export function jsonOf(reply: HttpReply): unknown {
  if (!/^application\/(?:[a-z0-9.+-]+\+)?json$/.test(reply.contentType)) {
    throw new EstopError('connector-garbage', {
      detail: `An answer ${reply.status} is not JSON${reply.contentType === '' ? '' : ` but ${reply.contentType}`}.`,
    });
  }
  try {
    return JSON.parse(reply.body) as unknown;
  } catch {
    throw new EstopError('connector-garbage', { detail: `An answer ${reply.status} says it is JSON and is not.` });
  }
}

interface Hop {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

interface Limits {
  readonly signal: AbortSignal;
  readonly maxBytes: number;
  readonly form: boolean;
}

function parseUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base?.href);
  if (url === null) throw refused('what was given is no URL');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refused('only http and https are spoken');
  if (url.username !== '' || url.password !== '') throw refused('a URL with a user name in it is refused');
  return url;
}

async function exchange(url: URL, hop: Hop, allowed: Network, limits: Limits): Promise<HttpReply> {
  if (url.protocol === 'http:' && allowed === 'public')
    throw refused(`${url.origin} is plain http on a public network`);
  let address: ResolvedAddress;
  try {
    address = await resolveAddress(url.hostname, allowed, limits.signal);
    const message = await send(url, hop, address, limits);
    return await read(message, limits, hop.method, url);
  } catch (error) {
    if (error instanceof EstopError) throw error; // of this very module and process
    throw new EstopError('connector-unavailable', {
      detail: `${hop.method} ${url.origin}: ${limits.signal.aborted ? 'no answer in time' : reasonOf(error)}.`,
      cause: error,
    });
  }
}

function send(url: URL, hop: Hop, address: ResolvedAddress, { signal, form }: Limits): Promise<IncomingMessage> {
  const secure = url.protocol === 'https:';
  const name = url.hostname.replace(/^\[|\]$/g, '');
  const body = hop.body === undefined ? undefined : Buffer.from(hop.body);
  return new Promise((resolve, reject) => {
    const request = (secure ? httpsRequest : httpRequest)({
      method: hop.method,
      host: address.ip,
      family: address.family,
      port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
      path: `${url.pathname}${url.search}`,
      agent: false,
      signal,
      // The certificate must be that of the NAME, although the connection goes to the checked address.
      ...(secure && isIP(name) === 0 ? { servername: name } : {}),
      headers: {
        accept: 'application/json',
        ...traceHeaders(),
        ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
        ...lowerCased(hop.headers),
        'accept-encoding': 'identity',
        connection: 'close',
        host: url.host,
        ...(body === undefined ? {} : { 'content-length': String(body.length) }),
      },
    });
    request.once('response', resolve);
    request.once('error', reject);
    request.end(body);
  });
}

async function read(message: IncomingMessage, { maxBytes }: Limits, method: string, url: URL): Promise<HttpReply> {
  const body = new GatheredBytes();
  for await (const piece of message) {
    body.add(piece as Buffer); // no encoding was set
    if (body.length > maxBytes) {
      message.destroy();
      throw garbage(method, url, `more than ${maxBytes} bytes`);
    }
  }
  if ((message.headers['content-encoding'] ?? 'identity') !== 'identity')
    throw garbage(method, url, 'a compressed answer that was not asked for');
  const headers = flat(message.headers);
  return {
    status: message.statusCode ?? 0,
    headers,
    contentType: (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '',
    body: textOf(body.take()),
    retryAfterMs: retryAfterMs(headers['retry-after'], new Date()),
  };
}

const textOf = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('utf8');

function redirectOf(reply: HttpReply): string | undefined {
  return [301, 302, 303, 307, 308].includes(reply.status) ? reply.headers['location'] : undefined;
}

function redirected(hop: Hop, status: number): Hop {
  const keepsMethod = status === 307 || status === 308 || hop.method === 'GET';
  return keepsMethod ? hop : { method: 'GET', headers: hop.headers, body: undefined };
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function flat(headers: IncomingHttpHeaders): Record<string, string> {
  const entries = Object.entries(headers).map(
    ([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')] as const,
  );
  return Object.fromEntries(entries);
}

/** A code such as ECONNREFUSED; never a message, which may quote what we sent. */
function reasonOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string')
    return error.code;
  return 'the connection failed';
}

function refused(why: string): EstopError {
  return new EstopError('address-refused', { detail: `A request was not sent: ${why}.` });
}

function garbage(method: string, url: URL, why: string): EstopError {
  return new EstopError('connector-garbage', { detail: `${method} ${url.origin}: ${why}.` });
}
