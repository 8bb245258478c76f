import { describe, expect, it } from 'vitest';
import { danglingPages } from './page-references.ts';
import { codeFolders, listFiles, planted, readFiles } from './source-tree.ts';

describe('references to pages', () => {
  it('every page that code or another page sends its reader to is there', () => {
    const code = readFiles([...codeFolders, 'docs'], /\.(?:ts|tsx|sql|md|ya?ml)$/).filter(
      ({ path }) => !path.startsWith('test/conventions/'), // which plants pages that are not there
    );
    const files = [...code, ...readFiles(['.'], /^[A-Z]+\.md$/)];
    expect(danglingPages(files, listFiles('.'))).toEqual([]);
  });

  it('a page that is nowhere is caught, whatever the way it is named', () => {
    expect(danglingPages([planted('src/core/a.ts', '// see plan.md section 4')], ['docs/other.md'])).toHaveLength(1);
    expect(danglingPages([planted('docs/a.md', '[x](../gone.md)')], ['gone.txt'])).toHaveLength(1);
  });

  it('a page is found from the root, from docs and from beside the file', () => {
    const existing = ['README.md', 'docs/architecture.md', 'test/model/README.md'];
    const text = 'README.md, docs/architecture.md, architecture.md';
    expect(danglingPages([planted('src/core/a.ts', text)], existing)).toEqual([]);
    expect(danglingPages([planted('src/a.ts', 'https://example.org/gone.md')], [])).toEqual([]);
    expect(danglingPages([planted('docs/threat-model.md', '[rules](../test/model/README.md)')], existing)).toEqual([]);
  });
});
