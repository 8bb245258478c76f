import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { latch } from '../../src/store/latch.ts';
import { migrate, touchesLatch } from '../../src/store/migrate.ts';
import { type Migration, readMigrations } from '../../src/store/migration-files.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { itWhere } from '../kit/requires.ts';
import { type Ledger, makeLedger, newName, order } from './ledger.ts';

const written = readMigrations();

function extra(version: number, sql: string): Migration {
  return {
    version,
    name: `${String(version).padStart(4, '0')}-extra`,
    sql,
    checksum: createHash('sha256').update(sql).digest('hex'),
  };
}

onEveryPostgres('migrations', (createOn) => {
  let ledger: Ledger;
  let next = written.length + 1;
  let known: readonly Migration[] = written;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  const add = async (sql: string, attempts = 1): Promise<unknown> => {
    const migrations = [...known, extra(next, sql)];
    const report = await migrate(ledger.urls.estop_owner, { migrations, attempts });
    known = migrations;
    next += 1;
    return report;
  };

  it('are applied once, each with a line of its own, however many migrators there are', async () => {
    const fresh = await createOn();
    const reports = await Promise.all(
      Array.from({ length: 3 }, () =>
        migrate(ledger.urls.estop_owner.replace(/[^/]+$/, fresh.name)).catch((thrown: unknown) => thrown),
      ),
    );
    expect(reports.filter((one) => one instanceof Error)).toHaveLength(3); // the owner of another store is not let in
    const asSuperuser = await Promise.all(Array.from({ length: 3 }, () => migrate(fresh.url)));
    expect(asSuperuser.map((one) => one.applied.length).toSorted((a, b) => a - b)).toEqual([0, 0, written.length]);
    expect(await migrate(fresh.url)).toEqual({ applied: [], version: written.length });
  });

  it('one that was changed after it had been applied is refused', async () => {
    const changed = written.map((one, index) => (index === 2 ? { ...one, checksum: 'other' } : one));
    await expect(migrate(ledger.urls.estop_owner, { migrations: changed })).rejects.toMatchObject({ code: 'conflict' });
  });

  it('a store that is newer than this program is refused', async () => {
    await expect(migrate(ledger.urls.estop_owner, { migrations: known.slice(0, -1) })).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  it('one that fails leaves nothing behind, not even its line', async () => {
    await expect(add('CREATE TABLE estop.half (x int); SELECT 1/0;')).rejects.toThrow();
    expect(await ledger.sql(`SELECT to_regclass('estop.half') AS half`)).toEqual([{ half: null }]);
    expect(await ledger.sql('SELECT 1 FROM estop.estop_migrations WHERE version = $1', [next])).toEqual([]);
  });

  it('one that would hold what a stop needs is cut off, and stops go on', async () => {
    const slow = add('LOCK TABLE estop.stops IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(30);').catch(
      (thrown: unknown) => thrown,
    );
    const results = await Promise.all(
      Array.from({ length: 3 }, () => latch(ledger.alone('estop_stop', newName('latch')), order('agent:meanwhile'))),
    );
    expect(results.map((one) => one.kind)).toEqual(['latched', 'latched', 'latched']);
    expect(await slow).toMatchObject({ code: 'store-unavailable' });
    // Several quick statements that together take too long.
    const many = add(`ALTER TABLE estop.stops ADD COLUMN tried int; ${'SELECT pg_sleep(0.2);'.repeat(10)}`).catch(
      (thrown: unknown) => thrown,
    );
    expect(await many).toMatchObject({ code: 'store-unavailable' });
    expect(await ledger.sql(`SELECT 1 FROM information_schema.columns WHERE column_name = 'tried'`)).toEqual([]);
  });

  it('one that must wait for its lock lets stops pass, and is tried again until it gets it', async () => {
    const reader = await ledger.session();
    await reader.query('BEGIN');
    await reader.query('SELECT count(*) FROM estop.stops');
    await expect(add('ALTER TABLE estop.stops ADD COLUMN waited int;')).rejects.toMatchObject({
      code: 'store-unavailable',
    });
    const patient = add('ALTER TABLE estop.stops ADD COLUMN waited int;', 20);
    expect((await latch(ledger.as('estop_stop'), order('agent:meanwhile'))).kind).toBe('latched');
    await reader.query('COMMIT');
    expect(await patient).toMatchObject({ applied: [expect.any(String)] });
  });

  it('one that touches nothing of a stop may take its time', async () => {
    expect(await add('CREATE TABLE estop.unrelated (x int); SELECT pg_sleep(0.6);')).toMatchObject({
      version: next - 1,
    });
  });

  it('know which of them a stop could be waiting for', () => {
    expect(touchesLatch({ sql: 'ALTER TABLE estop.stops ADD x int' })).toBe(true);
    expect(touchesLatch({ sql: 'ALTER TABLE estop.latch_marks ADD x int' })).toBe(true);
    expect(touchesLatch({ sql: 'ALTER TABLE estop.stop_progress ADD x int' })).toBe(false);
  });

  const compiled = join(import.meta.dirname, '../../dist/src/store/migration-files.js');
  itWhere(existsSync(compiled), 'there is no build (npx tsc -b)')('are found when the program runs compiled', () => {
    const script = `import(${JSON.stringify(compiled)}).then((m) => console.log(m.readMigrations().length))`;
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).trim()).toBe(
      String(written.length),
    );
  });
});
