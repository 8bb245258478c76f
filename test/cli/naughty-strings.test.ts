import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { requiresData } from '../kit/requires.ts';
import { agentSpec, putAgents } from '../store/ledger.ts';
import { type CliRig, makeCliRig, runInTerminal } from './rig.ts';

const blns = new URL('../../../shared/data/blns/blns.json', import.meta.url);
const known = existsSync(blns);
const strings = known ? (JSON.parse(readFileSync(blns, 'utf8')) as string[]) : [];

/** What acts on a terminal or hides. */
const acting = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g;
/** Every program start costs a tenth of a second: each character that acts is typed once, and a few of each other kind of string. */
const typedBefore = new Set<string>();
const sample = strings.filter((text, index) => {
  if (text.includes('\0')) return false;
  const fresh = [...new Set(text.match(acting) ?? [])].filter((character) => !typedBefore.has(character));
  for (const character of fresh) typedBefore.add(character);
  return fresh.length > 0 || index % 40 === 0;
});

/** What is left after our own colours and drawing: nothing that acts, nothing that hides. */
const ours = /\u001b\[(?:\d+m|2K|0J|\d+F)/g;
const raw = /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/;

requiresData('the big list of naughty strings', blns)('the big list of naughty strings, typed in a terminal', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig();
    expect(sample.length).toBeGreaterThan(15);
    expect(typedBefore.size).toBeGreaterThan(20);
  });

  async function typed(words: readonly string[]): Promise<number | null> {
    const ran = await runInTerminal(words, { env: rig.env, cwd: rig.stateFolder });
    const shown = ran.stdout.replaceAll('\r\n', '\n').replace(ours, '');
    expect([words, raw.exec(shown)?.[0]]).toEqual([words, undefined]);
    expect([words, shown.includes('    at ')]).toEqual([words, false]);
    return ran.code;
  }

  it('as an id, a scope or a profile each is a usage error, or nothing of that name', {
    timeout: 120_000,
  }, async () => {
    for (const text of sample) {
      expect([2, 5]).toContain(await typed(['task', 'show', '--', text]));
      expect([2, 5]).toContain(await typed(['approve', '--yes', '--', text]));
      expect([0, 2]).toContain(await typed(['stop', 'label', '--dry-run', '--', `team=${text}`]));
      expect(await typed(['--profile', `x${text}`, 'task', 'ls'])).toBe(2);
    }
  });

  it('as a reason each latches and is shown without acting', { timeout: 120_000 }, async () => {
    for (const text of sample) expect(await typed(['stop', 'model', 'm', '--no-wait', '--reason', text])).toBe(0);
    expect(await typed(['stop', 'ls', '--limit', '200'])).toBe(0);
  });

  it('as the owner of an agent and in its labels each is shown without acting', async () => {
    const agents = sample.map((text, index) => agentSpec(`bot-${index}`, { owner: text === '' ? 'x' : text }));
    await putAgents(rig.ledger, agents);
    expect(await typed(['agents'])).toBe(0);
  });
});
