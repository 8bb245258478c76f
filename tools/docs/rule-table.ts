import { type Rule, rules } from '../../test/model/rules.ts';

function row(name: string, rule: Rule): string {
  const shown = 'model' in rule ? rule.model.map((id) => `\`${id}\``).join(', ') : `not modelled: ${rule.notModelled}`;
  return `| \`${name}\` | ${rule.says} | ${shown} |`;
}

/** test/model/README.md with the table of rules as it is today; a page without one has lost its place for it. */
export function withRuleTable(page: string, all: Readonly<Record<string, Rule>> = rules): string {
  const rows = Object.entries(all).map(([name, rule]) => row(name, rule));
  const table = ['| rule | what it says | what fails without it |', '|---|---|---|', ...rows];
  const standing = /^\| rule \|.*\n(?:\|.*\n)+/m;
  if (!standing.test(page)) throw new Error('the page holds no table of rules');
  return page.replace(standing, () => `${table.join('\n')}\n`);
}
