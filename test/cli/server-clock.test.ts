import { beforeAll, describe, expect, it } from 'vitest';
import { createServerClock } from '../../src/cli/server-clock.ts';
import { type CliRig, mainPath, makeCliRig, runProgram } from './rig.ts';

const minute = 60_000;

describe('times in a terminal whose clock is off', () => {
  it.each([10 * minute, -10 * minute])('are those of the server where it is off by %i ms', (off) => {
    const real = Date.parse('2026-11-22T12:00:00.000Z');
    const clock = createServerClock(() => real + off);
    expect(clock.now()).toBe(real + off);
    clock.hear('Sun, 22 Nov 2026 12:00:00 GMT');
    expect(clock.now()).toBe(real);
    clock.hear(undefined);
    clock.hear('nonsense');
    expect(clock.now()).toBe(real);
  });

  it('are its own where the difference is less than the header tells', () => {
    const real = Date.parse('2026-11-22T12:00:03.900Z');
    const clock = createServerClock(() => real);
    clock.hear('Sun, 22 Nov 2026 12:00:00 GMT');
    expect(clock.now()).toBe(real);
  });

  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig();
  });
  /** The same program under a clock that goes ten minutes before or behind. */
  const runOff = (ms: number, ...words: readonly string[]) => {
    const script = `const own = Date.now; Date.now = () => own() + ${ms}; process.argv.splice(1, 0, ${JSON.stringify(mainPath)}); await import(${JSON.stringify(mainPath)});`;
    return runProgram(['--input-type=module', '-e', script, '--', ...words], { env: rig.env, cwd: rig.stateFolder });
  };

  it.each([10 * minute, -10 * minute])(
    'by %i ms: what was just latched is neither old nor to come, and a wait is as long as was said',
    async (off) => {
      const began = performance.now();
      const ran = await runOff(off, 'stop', 'model', `m${Math.abs(off)}${off < 0 ? 'b' : 'a'}`, '--wait=2s');
      expect([ran.code, performance.now() - began > 2_000]).toEqual([6, true]);
      const shown = await runOff(off, 'stop', 'show', ran.stdout.trim());
      expect(shown.stdout).toMatch(/latched +\S+ \S+Z \((now|\d+ s ago)\)/);
      const doctor = await runOff(off, 'doctor');
      expect(doctor.stdout).toMatch(/BAD +clock +this machine and control differ by (59|60)\d\.\d s/);
    },
  );
});
