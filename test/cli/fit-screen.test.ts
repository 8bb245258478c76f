import { expect, it } from 'vitest';
import { fitScreen } from '../../src/cli/fit-screen.ts';

const lines = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `line ${index + 1}`);

it.each([
  [1, 24],
  [23, 24],
  [24, 24],
  [200, 24],
  [3, 2],
  [3, 1],
])('what is drawn of %i lines leaves a row of a window of %i for the cursor', (count, rows) => {
  const shown = fitScreen(lines(count), 80, rows);
  expect(shown.length).toBeLessThanOrEqual(Math.max(1, rows - 1));
  const whole = shown.filter((line) => line.startsWith('line'));
  expect(whole).toEqual(lines(whole.length));
  const hidden = /^… (\d+) more/.exec(shown.at(-1) ?? '')?.[1];
  expect(whole.length + Number(hidden ?? 0)).toBe(count);
});

it('cuts a line that would wrap, and counts no colour', () => {
  expect(fitScreen(['x'.repeat(40), `\u001b[31m${'y'.repeat(39)}\u001b[39m`], 40, 24)).toEqual([
    `${'x'.repeat(38)}…\u001b[0m`,
    `\u001b[31m${'y'.repeat(39)}\u001b[39m`,
  ]);
});
