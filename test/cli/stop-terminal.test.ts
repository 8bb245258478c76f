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
});
