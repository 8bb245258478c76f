import { describe, expect, it } from 'vitest';
import { planted, readFiles } from './source-tree.ts';
import { foreignWords } from './words.ts';

describe('words', () => {
  it('no file names a machine, a registry host or a workplace', () => {
    expect(
      foreignWords(
        readFiles(['.'], /(?<!package-lock)\.(?:ts|tsx|js|json|md|ya?ml|sql|css|pml|sh)$|(?:^|\/)(?:run|LICENSE)$/),
      ),
    ).toEqual([]);
  });

  it.each(['see /work/x', '"/home/me/bin"', 'https://registry.npmjs.org/x', '/root/.cache'])('%s is caught', (line) => {
    expect(foreignWords([planted('docs/a.md', line)])).toHaveLength(1);
  });

  it.each(['src/workers/control.ts', 'a network/root/node', './work/x', 'https://estop.dev/errors'])(
    '%s is fine',
    (line) => {
      expect(foreignWords([planted('docs/a.md', line)])).toEqual([]);
    },
  );
});
