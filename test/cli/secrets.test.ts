import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CliRig, escapes, makeCliRig, runInTerminal } from './rig.ts';

/** Each was taken out once: the refusal to read from a terminal, the newline at the end, the bound on what is read. */
describe('estop secret', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig();
  });

  it('takes the value from standard input or a file, and shows it to nobody', async () => {
    const set = await rig.run(['secret', 'set', 'billing-token'], { input: 'canary-of-stdin\n' });
    expect(set).toMatchObject({ code: 0 });
    expect(set.stdout).toMatch(/^set {2}billing-token {2}revision 1/);
    const file = join(rig.stateFolder, 'value.txt');
    writeFileSync(file, 'canary-of-file\n');
    const rotated = await rig.run(['secret', 'rotate', 'billing-token', '--file', file, '--json']);
    expect(JSON.parse(rotated.stdout)).toMatchObject({ name: 'billing-token', revision: 2 });
    const listed = await rig.run(['secret', 'ls']);
    expect(listed.stdout).toMatch(/billing-token +2 /);
    expect(listed.stdout).not.toMatch(escapes);
    const sealed = await rig.ledger.sql("SELECT encode(sealed, 'escape') AS text FROM estop.secrets", []);
    expect(JSON.stringify([set, rotated, listed, sealed])).not.toContain('canary-of');
    expect(await rig.run(['secret', 'rm', 'billing-token', '--yes'])).toMatchObject({ code: 0 });
    expect(await rig.run(['secret', 'rm', 'billing-token', '--yes'])).toMatchObject({ code: 5 });
  });

  it('refuses a value on the command line, from a terminal, one that is empty, and one that is too large', async () => {
    for (const words of [['canary-of-argv'], ['--value=canary-of-argv'], ['--value', 'canary-of-argv']]) {
      const argv = await rig.run(['secret', 'set', 'loud', ...words], { input: 'x' });
      expect(argv.code).toBe(2);
      expect(JSON.stringify(argv)).not.toContain('canary-of');
    }
    const typed = await runInTerminal(['secret', 'set', 'loud'], { env: rig.env, cwd: rig.stateFolder, input: 'x\r' });
    expect(typed.code).toBe(2);
    expect(typed.stdout).toContain('A terminal would show it');
    for (const input of ['', '\n', 'x'.repeat(40_000), '\u0000\ufffd'])
      expect((await rig.run(['secret', 'set', 'loud'], { input })).code, JSON.stringify(input.slice(0, 4))).toBe(2);
    expect(await rig.ledger.sql('SELECT name FROM estop.secrets', [])).toEqual([]);
  });
});
