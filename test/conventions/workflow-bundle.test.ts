import { describe, expect, it } from 'vitest';
import { isCode, planted, readFiles } from './source-tree.ts';
import { foreignToTheBundle } from './workflow-bundle.ts';

describe('the workflow bundle', () => {
  it('reaches no zod, no node module and no vendor, however far the imports go', () => {
    expect(foreignToTheBundle(readFiles(['src'], isCode))).toEqual([]);
  });

  it('zod two imports away is caught, with the road to it', () => {
    const files = [
      planted('src/workflows/agent-task.ts', `import { words } from '../contract/words.ts';`),
      planted('src/contract/words.ts', `import { z } from 'zod';`),
    ];
    expect(foreignToTheBundle(files)).toEqual(['src/workflows/agent-task.ts -> src/contract/words.ts -> zod']);
  });

  it('an import of types alone is erased and reaches nothing; an inline type specifier is not', () => {
    const erased = planted('src/workflows/a.ts', `import type { z } from 'zod';`);
    const left = planted('src/workflows/a.ts', `import { type z } from 'zod';`);
    expect(foreignToTheBundle([erased])).toEqual([]);
    expect(foreignToTheBundle([left])).toHaveLength(1);
  });
});
