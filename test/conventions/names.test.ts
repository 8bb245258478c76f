import { describe, expect, it } from 'vitest';
import { badNames } from './names.ts';
import { codeFolders, listFiles } from './source-tree.ts';

describe('file and folder names', () => {
  it('are kebab-case and say what is inside', () => {
    expect(badNames([...codeFolders, 'bin'].flatMap((folder) => listFiles(folder)))).toEqual([]);
  });

  it.each([
    'src/utils/x.ts',
    'src/core/helpers.ts',
    'src/common/x.ts',
    'src/store/connection-manager.ts',
    'src/core/misc.ts',
    'src/core/ScopeKey.ts',
    'src/core/scope_key.ts',
    'src/Core/scope-key.ts',
  ])('%s is caught', (path) => {
    expect(badNames([path])).toHaveLength(1);
  });

  it.each([
    'src/core/scope-key.ts',
    'src/store/migrations/0001-tables.sql',
    'test/core/stop.test.ts',
    'src/core/tsconfig.json',
  ])('%s is fine', (path) => {
    expect(badNames([path])).toEqual([]);
  });
});
