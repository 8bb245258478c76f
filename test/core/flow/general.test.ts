import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { readFiles } from '../../conventions/source-tree.ts';
import { requiresData } from '../../kit/requires.ts';

const tools = resolve(
  process.env['ESTOP_AGENTDYN'] ?? resolve(import.meta.dirname, '../../../../shared/data/agentdyn'),
  'tools.json',
);

interface Suite {
  readonly tools: readonly { readonly name: string }[];
  readonly earlier_tools: readonly { readonly name: string }[];
  readonly undescribed_tools: readonly string[];
}

// A folder outside of the project: where it is not there, the description is listed as skipped and nothing else.
requiresData('the set of recorded runs', pathToFileURL(tools))('the rules are general', () => {
  it('no tool of the recorded runs is named in src or in policies', () => {
    const suites = Object.values(JSON.parse(readFileSync(tools, 'utf8')) as Readonly<Record<string, Suite>>); // as the page beside the data describes it
    const names = suites.flatMap((suite) =>
      [...suite.tools, ...suite.earlier_tools].map(({ name }) => name).concat(suite.undescribed_tools),
    );
    expect(names.length).toBeGreaterThan(20);
    const files = readFiles(['src', 'policies'], /\.(?:ts|tsx|cedar|json|ya?ml|sql)$/);
    const found = files.flatMap(({ path, text }) =>
      names.filter((name) => new RegExp(`\\b${name}\\b`).test(text)).map((name) => `${path}: ${name}`),
    );
    expect(found).toEqual([]);
  });
});
