import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

/** What a client said of itself when it registered. Nobody has vouched for any of it. */
export interface NamedClient {
  readonly clientId: string;
  readonly name: string;
  readonly redirects: readonly string[];
}

const Held = z.tuple([z.string(), z.array(z.string())]);
const prefix = 'mcp_';
const longestId = 600;
const mostRedirects = 5;
const longestName = 60;

/**
 * A client that registers is not written down: what it said is in its id, under our mark, so that nobody fills a table by registering
 * and no other environment's id is taken. An id opens nothing; a person's consent does.
 */
export function nameClient(
  keys: readonly Uint8Array[],
  name: string,
  redirects: readonly string[],
): NamedClient | undefined {
  const kept = redirects.filter(isLoopbackRedirect).slice(0, mostRedirects);
  const shown = name
    .replace(/[^\p{L}\p{N} ._()-]/gu, '')
    .trim()
    .slice(0, longestName);
  const [key] = keys;
  if (kept.length === 0 || key === undefined) return undefined;
  const body = Buffer.from(JSON.stringify([shown, kept])).toString('base64url');
  const clientId = `${prefix}${body}.${mark(key, body)}`;
  return clientId.length > longestId ? undefined : { clientId, name: shown, redirects: kept };
}

/** Undefined: we gave no such id. */
export function readClientId(keys: readonly Uint8Array[], clientId: string | undefined): NamedClient | undefined {
  if (clientId === undefined || clientId.length > longestId || !clientId.startsWith(prefix)) return undefined;
  const [body = '', shown = '', ...more] = clientId.slice(prefix.length).split('.');
  if (more.length > 0 || !keys.some((key) => isSame(mark(key, body), shown))) return undefined;
  const held = Held.safeParse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')));
  return held.success ? { clientId, name: held.data[0], redirects: held.data[1] } : undefined;
}

/** RFC 8252: a program on this machine, and no address to which a browser would carry the code over a network. */
export function isLoopbackRedirect(uri: string): boolean {
  const url = URL.parse(uri);
  if (url === null || url.protocol !== 'http:' || url.hash !== '' || url.username !== '' || url.password !== '')
    return false;
  return ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname) && uri === uri.trim() && !/[\s\\]/.test(uri);
}

/** The same but for the port, which a program takes as it gets it. */
export function isRegistered({ redirects }: NamedClient, shown: string): boolean {
  if (!isLoopbackRedirect(shown)) return false;
  const wanted = withoutPort(shown);
  return redirects.some((one) => withoutPort(one) === wanted);
}

function withoutPort(uri: string): string {
  const { hostname, pathname, search } = new URL(uri);
  return `${hostname}${pathname}${search}`;
}

const mark = (key: Uint8Array, body: string): string =>
  createHmac('sha256', key).update(`client ${body}`).digest('base64url').slice(0, 27);

export function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
