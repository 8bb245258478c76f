/** Pages, or parts of pages, that repeat what the code says. `npm run docs` writes them; a test fails when they differ. */
import { errorCatalogue } from '../../src/core/errors.ts';
import { type Rule, rules } from '../model/rules.ts';

interface GeneratedDoc {
  readonly path: string;
  /** The whole new text of the page. */
  readonly render: (today: string) => string;
}

const retries = { never: 'no', backoff: 'yes, backed off', after: 'yes, after the time it names' } as const;

export function errorDocs(catalogue: typeof errorCatalogue = errorCatalogue): string {
  const rows = Object.entries(catalogue).map(
    ([code, { status, retry, title }]) => `| \`${code}\` | ${status} | ${retries[retry]} | ${title} |`,
  );
  return [
    '# Errors',
    '',
    'Every error of estop has one of these codes. Over HTTP it is an RFC 9457 problem whose `type` ends in the code; match by code.',
    'The text is public and never holds data; what an operator may see stands in `detail`. Made by `npm run docs`.',
    '',
    '| code | HTTP | worth a retry | text |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function ruleRow(name: string, rule: Rule): string {
  const shown = 'model' in rule ? rule.model.map((id) => `\`${id}\``).join(', ') : `not modelled: ${rule.notModelled}`;
  return `| \`${name}\` | ${rule.says} | ${shown} |`;
}

/** Puts the table in place of the one that stands there; a page without one has lost its place for it. */
export function withRuleTable(page: string, all: Readonly<Record<string, Rule>> = rules): string {
  const table = [
    '| rule | what it says | what fails without it |',
    '|---|---|---|',
    ...Object.entries(all).map(([name, rule]) => ruleRow(name, rule)),
  ];
  const standing = /^\| rule \|.*\n(?:\|.*\n)+/m;
  if (!standing.test(page)) throw new Error('the page holds no table of rules');
  return page.replace(standing, () => `${table.join('\n')}\n`);
}

export const generatedDocs: readonly GeneratedDoc[] = [
  { path: 'docs/errors.md', render: () => errorDocs() },
  { path: 'test/model/README.md', render: (today) => withRuleTable(today) },
];
