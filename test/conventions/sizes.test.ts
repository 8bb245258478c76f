import { describe, expect, it } from 'vitest';
import { needlesslyExempt, tooLong } from './sizes.ts';
import { codeFolders, planted, readFiles } from './source-tree.ts';

const lines = (count: number): string => 'x\n'.repeat(count);

describe('file sizes', () => {
  const files = readFiles([...codeFolders, 'bin'], /\.(ts|tsx|js|sql|css)$/);

  it('no file has more than 300 lines', () => {
    expect(tooLong(files)).toEqual([]);
  });

  it('every exemption is still needed', () => {
    expect(needlesslyExempt(files)).toEqual([]);
  });

  it('a file of 301 lines is caught, one of 300 is not', () => {
    expect(tooLong([planted('src/core/a.ts', lines(301))])).toEqual(['src/core/a.ts has 301 lines']);
    expect(tooLong([planted('src/core/a.ts', lines(300))])).toEqual([]);
  });

  it('an exemption spares only the file it names, and is reported when it has become short', () => {
    const exempt = { 'src/core/data.ts': 'a table' };
    const long = [planted('src/core/data.ts', lines(400)), planted('src/core/other.ts', lines(400))];
    expect(tooLong(long, exempt)).toEqual(['src/core/other.ts has 400 lines']);
    expect(needlesslyExempt([planted('src/core/data.ts', lines(10))], exempt)).toEqual(['src/core/data.ts']);
  });
});
