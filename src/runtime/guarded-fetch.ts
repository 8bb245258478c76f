import { guardedHttp } from '../connectors/kit/guarded-http.ts';

interface FetchOptions {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | URLSearchParams;
  readonly signal?: AbortSignal;
  /** How far away the server may be. */
  readonly network: 'public' | 'private' | 'loopback';
  /** A longer answer is none. */
  readonly maxBytes?: number;
}

/** Fetch for addresses that somebody else chose: resolved once, checked, and connected to. */
export type GuardedFetch = (url: string, options: FetchOptions) => Promise<Response>;

/** To identity providers: the address is resolved once, checked and connected to, and no redirect is followed. */
export const guardedFetch: GuardedFetch = async (url, { method, headers, body, signal, network, maxBytes }) => {
  const reply = await guardedHttp({
    method,
    url,
    headers,
    network,
    timeoutMs: 5_000,
    signal: signal ?? new AbortController().signal,
    ...(body === undefined ? {} : { body }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
  const hasNoBody = reply.status === 204 || reply.status === 304;
  return new Response(hasNoBody ? null : reply.body, { status: reply.status, headers: reply.headers });
};
