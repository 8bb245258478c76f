import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { thisProcess } from '../../src/runtime/local/process-identity.ts';
import { claimStateFolder, writeOwnerOnly } from '../../src/runtime/local/state-folder.ts';
import { runProgram } from '../kit/program.ts';
import { tempFolder } from '../kit/temp-folder.ts';

const raceForLocks = join(import.meta.dirname, 'programs', 'race-for-locks.ts');
const holdFolder = join(import.meta.dirname, 'programs', 'hold-folder.ts');

describe('the state folder', () => {
  it('lets only its owner in, also if it was made carelessly', () => {
    const path = join(tempFolder(), 'state');
    mkdirSync(path, { mode: 0o777 });
    const folder = claimStateFolder(path);
    writeOwnerOnly(folder.file('secret'), 'x');
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(folder.folder('sub')).mode & 0o777).toBe(0o700);
    expect(statSync(folder.file('secret')).mode & 0o777).toBe(0o600);
    expect(statSync(folder.file('lock')).mode & 0o777).toBe(0o600);
    folder.release();
  });

  it('says where no folder can be made, and what to do', { timeout: 20_000 }, async () => {
    // A file system that makes no folders, whoever asks.
    const told = await runProgram(holdFolder, ['/proc/estop-test/state']).next();
    expect(told).toMatchObject({ claimed: false, code: 'part-failed' });
    expect(told['message']).toMatch(
      /^The state folder \/proc\/estop-test\/state cannot be used: user \d+ can make no folder in \/proc \(E[A-Z]+: .+\)\. Let that user write there, or name another folder by ESTOP_STATE\.$/,
    );
  });

  it('leaves a file alone that stands where it should be', () => {
    const file = join(tempFolder(), 'a-file');
    writeFileSync(file, 'x', { mode: 0o644 });
    for (const path of [file, join(file, 'state')])
      expect(() => claimStateFolder(path)).toThrow(
        `The state folder ${path} cannot be used: ${file} is a file. Move it away, or name another folder by ESTOP_STATE.`,
      );
    expect(statSync(file).mode & 0o777).toBe(0o644);
  });

  it('tells a second estop in one sentence who is there', async () => {
    const path = join(tempFolder(), 'state');
    const first = runProgram(holdFolder, [path]);
    expect(await first.next()).toEqual({ claimed: true });
    const second = await runProgram(holdFolder, [path]).next();
    expect(second).toMatchObject({ claimed: false, code: 'state-folder-in-use' });
    expect(second['message']).toBe(
      `Another estop (process ${first.pid}) already runs in ${path}: end that one, or give this one a state folder of its own.`,
    );
  });

  it('is free again once its holder has ended', async () => {
    const path = join(tempFolder(), 'state');
    const first = runProgram(holdFolder, [path]);
    await first.next();
    await first.kill('SIGTERM');
    expect(existsSync(join(path, 'lock'))).toBe(false);
    claimStateFolder(path).release();
  });

  it('is taken over from a holder that was killed', async () => {
    const path = join(tempFolder(), 'state');
    const first = runProgram(holdFolder, [path]);
    await first.next();
    await first.kill('SIGKILL');
    expect(existsSync(join(path, 'lock'))).toBe(true);
    claimStateFolder(path).release();
    expect(readdirSync(path)).toEqual([]);
  });

  it('is taken over from a holder whose pid now belongs to another process', () => {
    const path = tempFolder();
    writeFileSync(
      join(path, 'lock'),
      JSON.stringify({ nonce: 'old', holder: { ...thisProcess(), startedAt: 'another time' } }),
    );
    claimStateFolder(path).release();
  });

  it('is taken over when a power cut left its lock empty', () => {
    const path = tempFolder();
    writeFileSync(join(path, 'lock'), '');
    claimStateFolder(path).release();
  });

  it('goes to exactly one of those that find a dead holder at the same time', async () => {
    const folder = tempFolder();
    const rounds = 2000;
    for (let round = 0; round < rounds; round += 1) {
      writeFileSync(
        join(folder, String(round)),
        JSON.stringify({ nonce: `old ${round}`, holder: { pid: 4_000_000, startedAt: 'long ago' } }),
      );
    }
    const args = [folder, String(rounds), String(Date.now() + 700), '1'];
    const racers = [runProgram(raceForLocks, args), runProgram(raceForLocks, args)];
    const answers = await Promise.all(racers.map((racer) => racer.next()));
    const won = answers.flatMap((answer) => answer['won'] as number[]);
    expect(won.sort((a, b) => a - b)).toEqual(Array.from({ length: rounds }, (_, round) => round));
  });

  it('cannot be a file', () => {
    const path = join(tempFolder(), 'state');
    writeFileSync(path, '');
    expect(() => claimStateFolder(path)).toThrow(`The state folder ${path} cannot be used`);
  });
});
