import { errorCatalogue } from '../../src/core/errors.ts';

/** docs/errors.md: what a client sees of each error. */
export function errorsPage(): string {
  const rows = Object.entries(errorCatalogue).map(
    ([code, entry]) => `| \`${code}\` | ${entry.status} | ${entry.retry} | ${entry.title} |`,
  );
  return [
    '# Errors',
    '',
    'Every error that estop answers with, over HTTP as `application/problem+json` (RFC 9457). Match by `code`; the title is for people.',
    '`retry` says what a client should do: `never`, `backoff` (try again, slower each time), `after` (the answer says when).',
    '',
    '| code | HTTP status | retry | title |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
