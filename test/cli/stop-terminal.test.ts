import { beforeAll, describe, expect, it } from 'vitest';
import { type CliRig, makeCliRig, runInTerminal } from './rig.ts';

describe('estop stop, on a terminal', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig(undefined, { toolServers: [{ serverId: 'files', tiers: { live: 'read' } }] });
  });

  it('130: a person who is asked about the fleet and says no stops nothing', async () => {
    const before = await rig.ledger.sql("SELECT count(*)::int AS n FROM estop.stops WHERE scope_key = 'fleet'");
    const no = await runInTerminal(['stop', 'fleet'], { env: rig.env, cwd: rig.stateFolder, input: 'n\r' });
    expect(no.stdout).toMatch(/Stop the whole fleet\? It covers \d+ open tasks/);
    expect(no.code).toBe(130);
    for (const key of ['\u0003', '\u0004', '\r', 'stop\r']) {
      const other = await runInTerminal(['stop', 'fleet'], { env: rig.env, cwd: rig.stateFolder, input: key });
      expect([key, other.code, other.stdout.includes('error')]).toEqual([key, 130, false]);
    }
    expect(await rig.ledger.sql("SELECT count(*)::int AS n FROM estop.stops WHERE scope_key = 'fleet'")).toEqual(
      before,
    );
    const yes = await runInTerminal(['stop', 'fleet', '--no-wait'], {
      env: rig.env,
      cwd: rig.stateFolder,
      input: 'y\r',
    });
    expect(yes.code).toBe(0);
    expect(await rig.ledger.sql("SELECT count(*)::int AS n FROM estop.stops WHERE scope_key = 'fleet'")).not.toEqual(
      before,
    );
  });

  it('on a terminal it draws one block over itself and leaves no half line', async () => {
    const endRelay = rig.startRelay();
    const ran = await runInTerminal(['stop', 'tool', 'files/live'], { env: rig.env, cwd: rig.stateFolder });
    await endRelay();
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain('\u001b[2K');
    // This terminal was told no width.
    expect(ran.stdout).toMatch(/latched +0 ms +epoch/);
    expect(ran.stdout).toContain('everything under this stop is dead');
    const plain = await runInTerminal(['stop', 'model', 'plain', '--no-wait'], {
      env: { ...rig.env, NO_COLOR: '1' },
      cwd: rig.stateFolder,
    });
    expect(plain.stdout).not.toContain('\u001b[3');
  });

  it('draws over no more than a small window has room for, and says the rest when it is over', async () => {
    const endRelay = rig.startRelay();
    const id = (await rig.run(['stop', 'model', 'in-a-small-window'])).stdout.trim();
    const ran = await runInTerminal(['stop', 'show', id, '--watch'], {
      env: { ...rig.env, NO_COLOR: '1' },
      cwd: rig.stateFolder,
      size: 'cols 40 rows 6',
    });
    await endRelay();
    const drawn = ran.stdout.split('\u001b[0J')[0] ?? '';
    expect(drawn.split('\n').length - 1).toBe(5);
    expect(drawn).toMatch(/… \d+ more lines/);
    for (const [, up] of ran.stdout.matchAll(/\u001b\[(\d+)F/g)) expect(Number(up)).toBeLessThan(6);
    expect(ran.stdout).toContain('proved');
  });
});
