import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parsePolicySet } from '../../src/policy/parse-set.ts';
import { parseConfig } from '../../src/runtime/config/load-config.ts';
import { packageRoot } from '../../src/runtime/package-root.ts';
import { allPages, type Block, blocksOf } from './documents.ts';
import { completed } from './fragment.ts';

const blocks = allPages().flatMap(blocksOf);
const inLanguage = (language: string): readonly Block[] => blocks.filter((block) => block.language === language);

const isFragment = (text: string): boolean => text.startsWith('# a fragment of estop.yaml');
const faultsOf = (text: string): readonly string[] => {
  const result = parseConfig(text);
  return result.ok ? [] : result.faults.map(({ where, message }) => `${where}: ${message}`);
};

const lines = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n');

/** The compiler reads these with the rest of the project. */
const exampleFiles = readdirSync(join(packageRoot, 'examples'))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => lines(readFileSync(join(packageRoot, 'examples', name), 'utf8')));

describe('the blocks of the pages', () => {
  it('each says what it is', () => {
    const known = new Set(['sh', 'yaml', 'ts', 'json', 'cedar', 'promql', 'text']);
    expect(blocks.filter(({ language }) => !known.has(language)).map(({ at }) => at)).toEqual([]);
  });

  it.each(inLanguage('yaml'))('$at is an estop.yaml, or a fragment that says so', ({ text }) => {
    expect(faultsOf(isFragment(text) ? completed(text) : text)).toEqual([]);
  });

  it.each(inLanguage('ts').filter(({ at }) => !at.startsWith('CONTRIBUTING.md')))(
    '$at stands in a file of examples/',
    ({ text }) => {
      expect(exampleFiles.some((file) => file.includes(lines(text)))).toBe(true);
    },
  );

  it.each(inLanguage('json'))('$at is JSON', ({ text }) => {
    expect(() => JSON.parse(text) as unknown).not.toThrow();
  });

  it.each(inLanguage('cedar'))('$at is a set of policies', ({ text }) => {
    expect(parsePolicySet({ 'page.cedar': text })).toMatchObject({ ok: true });
  });

  it('no block of text hides a command of ours', () => {
    const hiding = inLanguage('text').filter(({ text }) => /^(?:\$ )?(?:npx estop|estop|npm) /m.test(text));
    expect(hiding.map(({ at }) => at)).toEqual([]);
  });

  it('a fragment with a word that estop.yaml does not know is found', () => {
    const fragment = '# a fragment of estop.yaml\nagents:\n  a:\n    toolz: {}\n';
    expect(faultsOf(completed(fragment)).join()).toContain('agents.a');
    expect(faultsOf(completed(fragment.replace('toolz', 'tools')))).toEqual([]);
    expect(Object.keys(parse(completed(fragment)) as object)).toContain('models');
  });
});
