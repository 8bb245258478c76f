import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { editsOf, withoutGuard } from '../../tools/mutate-guards/guard.ts';
import { allGuards } from '../../tools/mutate-guards/registry.ts';
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
