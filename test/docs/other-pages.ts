import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allPages, type Block, blocksOf } from './documents.ts';

/** Beside those that have a test of their own. */
const elsewhere = [
  'README.md',
  'CONTRIBUTING.md',
  'docs/guards.md',
  ...['agent-developer', 'platform-engineer', 'operator', 'security-reviewer'].map((name) => `docs/${name}.md`),
];

/** By how it begins: what cannot be typed into a system on one machine without an identity provider, a pager, and a connector. */
const left: Readonly<Record<string, string>> = {
  'estop login': 'wants an identity provider',
  'estop logout': 'ends what that began',
  'estop elevate': 'is for people whom an identity provider has named',
  'estop playbook proceed': 'wants a stop of which a playbook holds something back',
  'estop notify ack': 'wants a notice of that stop',
  'estop notify test': 'wants an endpoint',
  'estop connector drill': 'wants a connector',
  'estop connector show': 'wants a connector',
  'estop audit --elevation': 'wants an elevation',
};
const isLeft = (line: string): boolean => Object.keys(left).some((beginning) => line.startsWith(beginning));

/** In the order of the pages. */
export const ofOtherPages = (): readonly string[] =>
  allPages()
    .filter(({ path }) => !elsewhere.includes(path))
    .flatMap(blocksOf)
    .filter(({ language, isMarked }: Block) => language === 'sh' && !isMarked)
    .flatMap(({ text }) => text.split('\n'))
    .filter((line) => line.startsWith('estop ') && !isLeft(line));

/** What lines of these pages take from the folder in which they are typed. */
export function layOut(folder: string): void {
  writeFileSync(join(folder, 'token.txt'), 'the first token of the billing server\n');
  writeFileSync(join(folder, 'new.txt'), 'the second token of the billing server\n');
  cpSync(join(folder, 'policies'), join(folder, 'team-policies'), { recursive: true });
  writeFileSync(
    join(folder, 'team-policies', 'team.cedar'),
    '@id("no-refunds-at-night")\n@deny("Nobody pays anything back at night.")\nforbid (principal, action in Action::"tool", resource)\nwhen { context.tier == "destructive" && context.time.hour == 25 };\n',
  );
  const listed = [{ name: 'list_invoices', description: 'List invoices.', inputSchema: { type: 'object' } }];
  writeFileSync(join(folder, 'tools.json'), JSON.stringify({ billing: listed }));
  const calls = [{ tool: 'list_invoices', args: {}, output: '[]' }];
  writeFileSync(
    join(folder, 'runs.jsonl'),
    `${JSON.stringify({ run: 'one', request: 'List the invoices.', tools: 'billing', calls })}\n`,
  );
}
