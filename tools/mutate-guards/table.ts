import type { Guard, Verdict } from './guard.ts';

const begin = '<!-- guards: begin -->';
const end = '<!-- guards: end -->';

export function said({ outcome }: Verdict): string {
  switch (outcome.kind) {
    case 'caught':
      return `caught: ${outcome.by}`;
    case 'survived':
      return 'SURVIVED: nobody would notice';
    case 'out-of-date':
      return 'OUT OF DATE: its text stands nowhere, or more than once';
    case 'wrong-reason':
      return `RED FOR ANOTHER REASON: ${outcome.why}`;
    case 'no-baseline':
      return `NO TEST: ${outcome.why}`;
  }
}

/** The page with the verdicts of this run put in. Rows of guards that are no more go; rows of guards that were not run stay. */
export function inPage(page: string, guards: readonly Guard[], verdicts: readonly Verdict[]): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error('the page has no place for the table');
  const before = new Map(
    [...page.slice(from, to).matchAll(/^\| `([^`]+)` .*$/gm)].map(([row, id]) => [id ?? '', row] as const),
  );
  const now = new Map(verdicts.map((verdict) => [verdict.guard.id, rowOf(verdict)]));
  const rows = guards.map((guard) => now.get(guard.id) ?? before.get(guard.id) ?? notRun(guard));
  const table = ['| guard | attacks | protects | without it |', '|---|---|---|---|', ...rows].join('\n');
  return `${page.slice(0, from)}${begin}\n${table}\n${page.slice(to)}`;
}

const rowOf = (verdict: Verdict): string => row(verdict.guard, said(verdict));
const notRun = (guard: Guard): string => row(guard, 'not run yet');

function row({ id, attacks, protects }: Guard, outcome: string): string {
  const cells = [`\`${id}\``, attacks.join(' '), protects, outcome];
  return `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
}
