import type { Log } from '../contract/identity.ts';
import { problemMediaType, problemOf } from '../contract/problem.ts';

/** The one place where an error becomes an answer. What nobody may see goes to the log, under the id that the caller gets. */
export function problemResponse(
  thrown: unknown,
  requestId: string,
  log: Log,
  extra: { readonly location?: string } = {},
): Response {
  const problem = { ...problemOf(thrown, requestId), ...extra };
  if (problem.status >= 500) {
    log.error({ event: 'request.failed', requestId, code: problem.code, err: describe(thrown) }, 'a request failed');
  }
  const headers = new Headers({ 'content-type': problemMediaType, 'cache-control': 'no-store' });
  if (problem.status === 401) headers.set('www-authenticate', 'Bearer');
  if (problem.retryAfterMs !== undefined) headers.set('retry-after', String(Math.ceil(problem.retryAfterMs / 1_000)));
  if (problem.location !== undefined) headers.set('location', problem.location);
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/** The chain of causes: the driver's own words, which may hold values, belong to the log alone. */
function describe(thrown: unknown): readonly string[] {
  const chain: string[] = [];
  for (let error: unknown = thrown; error instanceof Error && chain.length < 5; error = error.cause)
    chain.push(error.stack ?? `${error.name}: ${error.message}`);
  return chain.length === 0 ? [String(thrown)] : chain;
}
