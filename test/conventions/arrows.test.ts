import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { arrows, arrowTable, composedElsewhere, forbiddenArrows, siblings } from './arrows.ts';
import { importsOf } from './imports.ts';
import { codeFolders, isCode, planted, projectRoot, readFiles } from './source-tree.ts';

const referencesOf = (realm: string): readonly string[] => {
  const text = readFileSync(join(projectRoot, 'src', realm, 'tsconfig.json'), 'utf8');
  const { references } = JSON.parse(text) as { references: { path: string }[] }; // our own file, written by hand
  return references.map(({ path }) => path.replace('../', ''));
};

describe('import arrows', () => {
  it('every import of src follows the table', () => {
    console.log(arrowTable());
    expect(forbiddenArrows(readFiles(['src'], isCode))).toEqual([]);
  });

  it('only entry points import the wiring', () => {
    expect(composedElsewhere(readFiles([...codeFolders], isCode))).toEqual([]);
  });

  it('the compiler is told the same table', () => {
    for (const [realm, allowed] of Object.entries(arrows)) {
      expect([realm, ...referencesOf(realm)].toSorted()).toEqual([realm, ...allowed].toSorted());
    }
  });

  it('stop, gateway, control, cli and sdk stay apart, but for the cli that speaks through the sdk', () => {
    const between = siblings.flatMap((from) =>
      siblings.filter((to) => arrows[from]?.includes(to)).map((to) => `${from} -> ${to}`),
    );
    expect(between).toEqual(['cli -> sdk']);
  });

  it('a planted arrow from core to store is caught', () => {
    const file = planted('src/core/stop.ts', `import { pool } from '../store/pool.ts';`);
    expect(forbiddenArrows([file])).toEqual(['src/core/stop.ts imports src/store/pool.ts: core may not import store']);
  });

  it('a type-only import, a re-export, a dynamic import and one over several lines are arrows too', () => {
    const texts = [
      `import type { A } from '../gateway/a.ts';`,
      `export { a } from '../gateway/a.ts';`,
      `const a = await import('../gateway/a.ts');`,
      `import {\n  a,\n  type B,\n} from '../gateway/a.ts';`,
      `import '../gateway/a.ts';`,
    ];
    for (const text of texts) expect(forbiddenArrows([planted('src/control/x.ts', text)])).toHaveLength(1);
  });

  it('an import out of src, and a realm without a line, are caught', () => {
    expect(forbiddenArrows([planted('src/core/x.ts', `import { y } from '../../test/y.ts';`)])).toHaveLength(1);
    expect(forbiddenArrows([planted('src/newrealm/x.ts', '')])).toHaveLength(1);
  });

  it('composing anywhere but in an entry point is caught', () => {
    const text = `import { compose } from '../runtime/compose.ts';`;
    expect(composedElsewhere([planted('src/gateway/server.ts', text)])).toHaveLength(1);
    expect(composedElsewhere([planted('src/gateway/main.ts', text)])).toEqual([]);
  });

  it('what stands in a comment or a string of code is no import', () => {
    const text = `/** import { a } from '../x.ts' */\n// import '../y.ts';\nexport const b = 'from z';\n`;
    expect(importsOf(planted('src/core/x.ts', text))).toEqual([]);
  });
});
