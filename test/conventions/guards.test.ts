import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { editsOf, type Guard, withoutGuard } from '../../tools/mutate-guards/guard.ts';
import { judge } from '../../tools/mutate-guards/judge.ts';
import { allGuards } from '../../tools/mutate-guards/registry.ts';
import type { TestRun } from '../../tools/mutate-guards/run-tests.ts';
import { inPage } from '../../tools/mutate-guards/table.ts';
import { projectRoot } from './source-tree.ts';

const guards = allGuards(projectRoot);
const read = (file: string): string => readFileSync(join(projectRoot, file), 'utf8');

/** Attacks at the gate: reliability.md's catalogue. A20 and the like belong to other parts. */
const attacks = [6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 19, 21, 22, 25, 26, 27, 35, 39, 40, 41].map(
  (number) => `A${number}`,
);

describe('the register of guards (npm run mutate-guards)', () => {
  it('takes each guard out of a place that is there, once', () => {
    const stale = guards.flatMap((guard) =>
      editsOf(guard)
        .filter(({ file, ...edit }) => withoutGuard(edit, read(file)) === undefined)
        .map(({ file, find }) => `${guard.id}: ${file} has no single ${find}`),
    );
    expect(stale).toEqual([]);
  });

  it('names tests that are there', () => {
    const missing = guards.filter(({ tests: { file, title } }) => {
      if (!existsSync(join(projectRoot, file))) return true;
      // A test of every column has its column in the place of %s.
      const words = title === undefined ? '' : title.replace(/^[a-z-]+ (?=is |asks )/, '');
      return !read(file).includes(title ?? '') && !read(file).includes(words);
    });
    expect(missing.map(({ id }) => id)).toEqual([]);
  });

  it('has one entry for one name, and something against every attack at the gate', () => {
    expect(new Set(guards.map(({ id }) => id)).size).toBe(guards.length);
    const met = new Set(guards.flatMap((guard) => guard.attacks));
    expect(attacks.filter((attack) => !met.has(attack))).toEqual([]);
  });

  it('knows every column of the gate', () => {
    const columns = [
      ...(/const columns: readonly Column\[\] = \[([^\]]*)\]/.exec(read('src/gateway/gate.ts'))?.[1] ?? '').matchAll(
        /'([^']+)'/g,
      ),
    ];
    expect(columns.length).toBeGreaterThan(0);
    for (const [, column] of columns)
      for (const step of ['token', 'fence-answer'])
        expect(guards.map(({ id }) => id)).toContain(`gate/${column}/${step}`);
  });
});

describe('what is said of a guard that was taken out', () => {
  const guard: Guard = {
    id: 'a/b',
    file: 'src/a.ts',
    protects: 'a | b',
    attacks: ['A1'],
    find: 'x',
    put: '',
    tests: { file: 'test/a.test.ts' },
  };
  const run = (changes: Partial<TestRun>): TestRun => ({
    green: new Set(),
    red: [],
    broken: [],
    timedOut: false,
    ...changes,
  });
  const green = run({ green: new Set(['one', 'two']) });
  const red = (name: string, message: string): TestRun => run({ red: [{ name, message }] });

  it('is that it was caught only by an assertion of a test that is green with it', () => {
    expect(judge(guard, green, red('one', 'AssertionError: expected 1 to be 2'))).toEqual({
      kind: 'caught',
      by: 'one',
    });
    expect(judge(guard, green, red('one', 'Error: Test timed out in 30000ms.')).kind).toBe('wrong-reason');
    expect(judge(guard, green, red('one', 'TypeError: x is not a function')).kind).toBe('wrong-reason');
    expect(judge(guard, green, run({ broken: ['a.test.ts: SyntaxError'] })).kind).toBe('wrong-reason');
    expect(
      judge({ ...guard, raises: /not a function/ }, green, red('one', 'TypeError: x is not a function')).kind,
    ).toBe('caught');
  });

  it('is that it survived where all stayed green, and nothing where no test was run or it was red before', () => {
    expect(judge(guard, green, green)).toEqual({ kind: 'survived' });
    expect(judge(guard, green, run({})).kind).toBe('no-baseline');
    expect(judge(guard, green, red('three', 'AssertionError: it always fails')).kind).toBe('no-baseline');
  });

  it('is out of date where the text stands nowhere, twice, or would stay', () => {
    expect(withoutGuard({ find: 'x', put: '' }, 'axb')).toBe('ab');
    for (const text of ['ab', 'axbx']) expect(withoutGuard({ find: 'x', put: '' }, text)).toBeUndefined();
    expect(withoutGuard({ find: 'x', put: 'x' }, 'axb')).toBeUndefined();
  });

  it('stands in the page until it is run again, and goes with its guard', () => {
    const empty = '# Page\n<!-- guards: begin -->\n<!-- guards: end -->\nmore';
    const told = inPage(empty, [guard], [{ guard, outcome: { kind: 'caught', by: 'one' }, seconds: 1 }]);
    expect(told).toContain('| `a/b` | A1 | a \\| b | caught: one |\n<!-- guards: end -->\nmore');
    expect(inPage(told, [guard], [])).toBe(told);
    expect(inPage(told, [], [])).not.toContain('a/b');
  });
});
