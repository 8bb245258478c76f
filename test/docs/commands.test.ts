import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/runtime/package-root.ts';
import { allPages, type Block, blocksOf, spansOf } from './documents.ts';
import { faultOf, isNamed } from './estop-parser.ts';
import { commandsIn } from './shell-words.ts';

const scripts = new Set(
  Object.keys((JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { scripts: object }).scripts),
);
const isFile = (path: string | undefined): boolean => path !== undefined && existsSync(join(packageRoot, path));

/** Why this command cannot be right; undefined where it can. Programs that are not ours are judged where a block is not marked. */
async function whyNot(words: readonly string[], block: Pick<Block, 'isMarked'>): Promise<string | undefined> {
  const [program, ...rest] = words[0] === 'npx' ? words.slice(1) : words;
  switch (program) {
    case 'estop':
      return (await faultOf(rest))?.message;
    case 'npm':
      if (rest[0] === 'ci') return undefined;
      return scripts.has(
        (rest[0] === 'run' ? rest.find((word, index) => index > 0 && !word.startsWith('-')) : rest[0]) ?? '',
      )
        ? undefined
        : `package.json has no such script`;
    case 'vitest':
      return rest[0] === 'run' && isFile(rest[1]) ? undefined : 'there is no such test';
    case 'bash':
    case 'node':
      return isFile(rest[0]) ? undefined : 'there is no such file';
    case 'cd':
    case 'cp':
      return undefined;
    default:
      return block.isMarked
        ? undefined
        : `nothing runs ${program ?? ''} in a test, and no words above the block say so`;
  }
}

async function faultsOf(block: Pick<Block, 'text' | 'isMarked'>): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const { words } of commandsIn(block.text)) {
    const why = await whyNot(words, block);
    if (why !== undefined) faults.push(`${words.join(' ')}: ${why}`);
  }
  return faults;
}

const pages = allPages();
const shellBlocks = pages.flatMap(blocksOf).filter(({ language }) => language === 'sh');

describe('the commands of the pages', () => {
  it.each(shellBlocks)('of $at are taken by the programs that they name', async (block) => {
    expect(commandsIn(block.text)).not.toEqual([]);
    expect(await faultsOf(block)).toEqual([]);
  });

  it('no sentence names a script or a test that there is not', async () => {
    const wrong: string[] = [];
    for (const page of pages)
      for (const span of spansOf(page).filter((text) => /^(?:npm run|npx vitest run|bash) [^<]+$/.test(text)))
        for (const fault of await faultsOf({ text: span, isMarked: true })) wrong.push(`${page.path}: ${fault}`);
    expect(wrong).toEqual([]);
  });

  it('no sentence names a command of estop that there is not', async () => {
    const wrong: string[] = [];
    for (const page of pages)
      for (const span of spansOf(page))
        for (const { words } of commandsIn(span)) {
          const at = words[0] === 'npx' ? words.slice(1) : words;
          if (at[0] === 'estop' && at.length > 1 && !(await isNamed(at.slice(1)))) wrong.push(`${page.path}: ${span}`);
        }
    expect(wrong).toEqual([]);
  });

  it.each([
    ['stop --direct', true],
    ['stop .. --direct', true],
    ['stop --nowhere', false],
    ['breaker reset <agent> <breaker> --reason ..', true],
    ['tool ls [--changed]', true],
    ['stop tool:billing', false],
    ['undo', false],
  ])('in a sentence "estop %s" is taken for a command: %s', async (text, is) => {
    expect(await isNamed(text.split(' '))).toBe(is);
  });

  it.each([
    ['estop stopp agent billing-bot', /unknown command/],
    ['npx estop stop agent', /missing required argument/],
    ['estop stop agent a --resaon x', /unknown option/],
    ['estop stop', /outputHelp|asks for nothing/],
    ['estop stop agent a --category 7', /category/],
    ['npm run nothing-like-it', /no such script/],
    ['npx vitest run test/nowhere', /no such test/],
    ['bash .ci/nothing', /no such file/],
    ['estop stop ls | jq .', /nothing runs jq/],
  ])('%s is found to be wrong', async (text, why) => {
    const block = { at: '', language: 'sh', text, isMarked: false };
    expect((await faultsOf(block)).join()).toMatch(why);
  });

  it('quotes, ids in angle brackets, comments, redirections and variables are read as a shell would', () => {
    const text = `A=1 estop stop agent 'a b' --reason "it's" < in.txt > out.txt   # why\nestop reset <stop> --yes && npm test`;
    expect(commandsIn(text).map(({ words }) => words)).toEqual([
      ['estop', 'stop', 'agent', 'a b', '--reason', "it's"],
      ['estop', 'reset', '<stop>', '--yes'],
      ['npm', 'test'],
    ]);
  });
});
