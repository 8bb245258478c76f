import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openKeptBundle } from '../../src/workers/kept-bundle.ts';

function folderOfBundles(): string {
  const folder = mkdtempSync(join(tmpdir(), 'estop-bundles-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

it('a bundle is found again by what it was made of, and by nothing else', () => {
  const folder = folderOfBundles();
  expect(openKeptBundle(folder, 'agents', 'aa').read()).toBeUndefined();
  openKeptBundle(folder, 'agents', 'aa').write('code');
  expect(openKeptBundle(folder, 'agents', 'aa').read()).toBe('code');
  expect(openKeptBundle(folder, 'agents', 'bb').read()).toBeUndefined();
  expect(openKeptBundle(folder, 'control', 'aa').read()).toBeUndefined();
});

it('of each set only the last few that were used are kept, and no draft of a process that is gone', () => {
  const folder = folderOfBundles();
  const old = (name: string, minutes: number): void => {
    const at = new Date(Date.now() - minutes * 60_000);
    writeFileSync(join(folder, name), 'code');
    utimesSync(join(folder, name), at, at);
  };
  for (let n = 0; n < 20; n += 1) old(`agents-${n}.js`, 100 + n);
  old('agents-19.js.4711', 200);
  old('control-1.js', 500);
  expect(openKeptBundle(folder, 'agents', '19').read()).toBe('code'); // the oldest, and in use
  openKeptBundle(folder, 'agents', 'new').write('code');
  const kept = ['agents-0.js', 'agents-1.js', 'agents-19.js', 'agents-2.js', 'agents-3.js', 'agents-new.js'];
  expect(readdirSync(folder).toSorted()).toEqual([...kept, 'control-1.js']);
});

it('where nothing can be written the code in hand is good all the same', () => {
  openKeptBundle(join(folderOfBundles(), 'a-file\0'), 'agents', 'aa').write('code');
});
