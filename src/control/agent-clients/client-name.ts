import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { isUsableRedirect } from './redirects.ts';

/** What a client says of itself. Nobody has vouched for any of it. */
export interface NamedClient {
  readonly clientId: string;
  readonly name: string;
  readonly redirects: readonly string[];
  /** The host that publishes this of it, if its id is an address. */
  readonly publishedBy?: string;
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
  const kept = redirects.filter(isUsableRedirect).slice(0, mostRedirects);
  const shown = shownName(name);
  const [key] = keys;
  if (kept.length === 0 || key === undefined) return undefined;
  const body = Buffer.from(JSON.stringify([shown, kept])).toString('base64url');
  const clientId = `${prefix}${body}.${mark(key, body)}`;
  return clientId.length > longestId ? undefined : { clientId, name: shown, redirects: kept };
}

/** Nothing in it can be taken for more than a name. */
export const shownName = (name: string): string =>
  name
    .replace(/[^\p{L}\p{N} ._()-]/gu, '')
    .trim()
    .slice(0, longestName);

/** Undefined: we gave no such id. */
export function readClientId(keys: readonly Uint8Array[], clientId: string | undefined): NamedClient | undefined {
  if (clientId === undefined || clientId.length > longestId || !clientId.startsWith(prefix)) return undefined;
  const [body = '', shown = '', ...more] = clientId.slice(prefix.length).split('.');
  if (more.length > 0 || !keys.some((key) => isSame(mark(key, body), shown))) return undefined;
  const held = Held.safeParse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')));
  return held.success ? { clientId, name: held.data[0], redirects: held.data[1] } : undefined;
}

const mark = (key: Uint8Array, body: string): string =>
  createHmac('sha256', key).update(`client ${body}`).digest('base64url').slice(0, 27);

export function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
