import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withRuleTable } from '../../tools/docs/rule-table.ts';
import { cases } from '../model/cases.ts';
import { type Rule, rules } from '../model/rules.ts';
import { citedRules, uncited, unknownRules } from './citations.ts';
import { planted, projectRoot, readFiles } from './source-tree.ts';

const names = Object.keys(rules);
const all: readonly (readonly [string, Rule])[] = Object.entries(rules);
const src = readFiles(['src'], /\.(ts|tsx|sql)$/);

describe('the rules of the stop protocol', () => {
  it('every rule is carried out by a file of src that cites it', () => {
    expect(uncited(names, src)).toEqual([]);
  });

  it('src cites no rule that does not exist', () => {
    expect(unknownRules(names, src)).toEqual([]);
  });

  it('every case that a rule names exists and must fail without the rule', () => {
    const mustFail = new Set(cases.filter((one) => one.expect === 'fail').map((one) => one.id));
    const missing = all.flatMap(([name, rule]) =>
      'model' in rule ? rule.model.filter((id) => !mustFail.has(id)).map((id) => `${name}: ${id}`) : [],
    );
    expect(missing).toEqual([]);
  });

  it('every case that must fail belongs to a rule, but for the vacuity checks', () => {
    const claimed = new Set(all.flatMap(([, rule]) => ('model' in rule ? rule.model : [])));
    const orphans = cases.filter((one) => one.expect === 'fail' && !claimed.has(one.id)).map((one) => one.id);
    expect(orphans).toEqual(['a2 VAC', 'b1 VAC']);
  });

  it('the README of the models holds the table of rules as it is (npm run docs writes it)', () => {
    const page = readFileSync(join(projectRoot, 'test/model/README.md'), 'utf8');
    expect(page).toBe(withRuleTable(page));
  });

  it('a row of that table that was edited by hand is put right, and a page without the table is refused', () => {
    const page = '# Rules\n\n| rule | old |\n|---|---|\n| `gone` | x |\n\nafter\n';
    const mended =
      '# Rules\n\n| rule | what it says | what fails without it |\n|---|---|---|\n| `beat` | Says. | not modelled: why |\n\nafter\n';
    expect(withRuleTable(page, { beat: { says: 'Says.', notModelled: 'why' } })).toBe(mended);
    expect(() => withRuleTable('# Rules\n')).toThrow(/no table/);
  });

  it('a rule that lost its citation, and a citation of no rule, are caught', () => {
    const file = planted('src/store/a.sql', '-- rule: beat, one-intake\nselect 1;');
    expect(uncited(['beat', 'settle'], [file])).toEqual(['settle']);
    expect(unknownRules(['beat'], [file])).toEqual(['src/store/a.sql: no rule "one-intake"']);
  });

  it('a citation counts in a comment only', () => {
    expect(citedRules([planted('src/core/a.ts', `const a = { rule: beat };`)]).size).toBe(0);
    expect(citedRules([planted('src/core/a.ts', `/** Why. rule: beat */`)]).has('beat')).toBe(true);
    expect(citedRules([planted('src/core/a.ts', `// The one rule: no-one is above it.`)]).size).toBe(0);
  });
});
