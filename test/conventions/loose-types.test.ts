import { describe, expect, it } from 'vitest';
import { clocksInTheCore, defaultExports, looseWithoutReason } from './loose-types.ts';
import { codeFolders, isCode, planted, readFiles } from './source-tree.ts';

const src = (text: string) => [planted('src/core/a.ts', text)];

describe('loose types', () => {
  it('every any and every double cast has its reason beside it', () => {
    expect(looseWithoutReason(readFiles([...codeFolders], isCode))).toEqual([]);
  });

  it.each([
    'const a = b as any;',
    'function f(a: any) {}',
    'const a = b as unknown as C;',
    'const a: any[] = [];',
    'f<any>(b);',
  ])('%s without a reason is caught', (line) => {
    expect(looseWithoutReason(src(line))).toHaveLength(1);
  });

  it('a reason on the same line or the one before is enough; one further up is not', () => {
    expect(looseWithoutReason(src('const a = b as any; // the library types this wrongly'))).toEqual([]);
    expect(looseWithoutReason(src('// the library types this wrongly\nconst a = b as any;'))).toEqual([]);
    expect(looseWithoutReason(src('// the library types this wrongly\n\nconst a = b as any;'))).toHaveLength(1);
  });

  it('the word in a string, a comment or a name is not a loose type', () => {
    expect(looseWithoutReason(src(`const a = 'as any';\n// : any\nconst b = company;\n`))).toEqual([]);
  });
});

describe('exports and clocks', () => {
  it('src has no default export', () => {
    expect(defaultExports(readFiles(['src'], isCode))).toEqual([]);
    expect(defaultExports(src('export default 1;\nexport { a as default };'))).toHaveLength(2);
  });

  it('the core reads no clock', () => {
    expect(clocksInTheCore(readFiles(['src/core'], isCode))).toEqual([]);
    expect(clocksInTheCore(src('const at = new Date();'))).toHaveLength(1);
    expect(clocksInTheCore(src('const at = new Date(given);'))).toEqual([]);
  });
});
