import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { policiesFolder } from '../../src/runtime/package-root.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { makeCliRig } from './rig.ts';

it('a set that one person wants is read and put in force by another, by its version alone', async () => {
  const rig = await makeCliRig(undefined, { policies: { activationPeople: 2 } });
  const folder = tempFolder();
  cpSync(policiesFolder, folder, { recursive: true });
  writeFileSync(join(folder, 'team.cedar'), '// Nothing more.\n');
  const rita = { env: { ESTOP_TOKEN: rig.tokens.rita } };
  const recorded = await rig.run(['policy', 'activate', folder, '--reason', 'less is more', '--yes']);
  expect(recorded.code).toBe(3);
  const version = /estop policy activate --proposed ([0-9a-f]{16}) --reason/.exec(recorded.stdout)?.[1] ?? '';
  const second = (which: string, more = rita) =>
    rig.run(['policy', 'activate', '--proposed', which, '--reason', 'read it', '--yes'], more);
  // The same person again is nobody else, and has said a newer reason.
  expect((await second(version, { env: {} as typeof rita.env })).code).toBe(3);
  expect((await second('0123456789abcdef')).code).toBe(5);
  expect((await rig.run(['policy', 'activate', folder, '--proposed', version, '--reason', 'x', '--yes'])).code).toBe(2);
  const shown = await rig.run(['policy', 'show', '--text'], rita);
  expect(shown.stdout).toMatch(
    new RegExp(`^${version} waits for a second person until .* olga wants it: read it$`, 'm'),
  );
  expect(shown.stdout).toMatch(/^\/\/ wanted: team\.cedar\n\/\/ Nothing more\.$/m);
  const { viewer } = rig.tokens;
  expect((await second(version, { env: { ESTOP_TOKEN: viewer } })).code).toBe(4);
  const done = await second(version);
  expect([done.code, done.stdout]).toEqual([0, expect.stringContaining('is in force, activation 1')]);
  expect((await rig.run(['policy', 'show'])).stdout).not.toContain('waits for a second person');
  // Whoever was the second, or tried to be, put nothing back: the audit says what they did.
  const trail = (await rig.run(['audit', '--json'])).stdout;
  expect(trail).toMatch(/policy\.activated[\s\S]*activatePolicies/);
  expect(trail.toLowerCase()).not.toContain('rollback');
});
