import { expect, it } from 'vitest';
import { fencedChanges } from '../../src/control/console/fenced.ts';

const linesOf = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => `line ${from + at}`);
const shownOf = async (before: readonly string[], after: readonly string[]): Promise<readonly string[]> =>
  (await fencedChanges('x', before.join('\n'), after.join('\n')))
    .replace(/^.*<pre[^>]*>/s, '')
    .replace(/<\/pre>.*$/s, '')
    .replaceAll(/<\/(ins|del)>/g, '\n')
    .replaceAll(/<[^>]*>/g, '')
    .split('\n')
    .filter(Boolean);

it('what differs in a long text is not hidden below what is the same', async () => {
  const before = linesOf(1, 60);
  const after = [...linesOf(1, 29), 'another', ...linesOf(31, 60), 'one more'];
  expect(await shownOf(before, after)).toEqual([
    '@@ 26 lines as before',
    ...linesOf(27, 29).map((line) => `  ${line}`),
    '- line 30',
    '+ another',
    ...linesOf(31, 33).map((line) => `  ${line}`),
    '@@ 24 lines as before',
    ...linesOf(58, 60).map((line) => `  ${line}`),
    '+ one more',
  ]);
  expect(await shownOf(['a'], ['b'])).toEqual(['- a', '+ b']);
});
