import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorDocs, generatedDocs, withRuleTable } from './generated-docs.ts';
import { projectRoot } from './source-tree.ts';

describe('generated documentation', () => {
  it.each(generatedDocs)('$path says what the code says (npm run docs writes it)', ({ path, render }) => {
    const today = readFileSync(join(projectRoot, path), 'utf8');
    expect(today).toBe(render(today));
  });

  it('every error code has a row with its status and its public text', () => {
    expect(errorDocs()).toContain('| `not-fenced` | 409 | yes, after the time it names | ');
  });

  it('a row that was edited by hand, lost or added is put right', () => {
    const page = '# Rules\n\n| rule | old |\n|---|---|\n| `gone` | x |\n\nafter\n';
    const text = withRuleTable(page, { beat: { says: 'Says.', notModelled: 'why' } });
    expect(text).toBe(
      '# Rules\n\n| rule | what it says | what fails without it |\n|---|---|---|\n| `beat` | Says. | not modelled: why |\n\nafter\n',
    );
  });

  it('a page that lost its table is an error, not a silent success', () => {
    expect(() => withRuleTable('# Rules\n')).toThrow(/no table/);
  });
});
