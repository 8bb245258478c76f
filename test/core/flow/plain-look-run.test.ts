import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, DatabaseError } from 'pg';
import { expect, it } from 'vitest';
import { plainShell } from '../../../src/core/flow/program/plain-shell.ts';
import { plainSql } from '../../../src/core/flow/program/plain-sql.ts';
import { onEveryPostgres } from '../../kit/postgres.ts';
import { requires } from '../../kit/requires.ts';
import { tempFolder } from '../../kit/temp-folder.ts';
import { ordinaryLines, ordinarySql } from './plain-programs.ts';

const schema = `
  create table customers (id int, name text, email text);
  create table orders (id int, customer_id int, cents int, status text, placed_at timestamptz, data jsonb);
  create table tickets (id int, subject text, status text);
  create table "Remarks" ("Note" text);
  create sequence ids;`;

/** Read only stops what writes; what it lets through all the same is in the list of what may do more. */
const writes = ["select nextval('ids')", 'with gone as (delete from orders returning id) select id from gone'];

onEveryPostgres('what counts as a look in SQL', (createDatabase) => {
  it('runs where nothing may be written', async () => {
    const client = new Client({ connectionString: (await createDatabase()).url });
    await client.connect();
    try {
      await client.query(schema);
      const refused = async (sql: string): Promise<string | undefined> => {
        await client.query('begin transaction read only');
        try {
          await client.query(sql);
          return undefined;
        } catch (error) {
          if (!(error instanceof DatabaseError)) throw error;
          return error.code;
        } finally {
          await client.query('rollback');
        }
      };
      for (const sql of ordinarySql) {
        expect(plainSql(sql), sql).toBeDefined();
        expect(await refused(sql), sql).toBeUndefined();
      }
      for (const sql of writes) {
        expect(plainSql(sql), sql).toBeUndefined();
        expect(await refused(sql), sql).toBe('25006');
      }
    } finally {
      await client.end();
    }
  });
});

requires()('what counts as a look in a line for a shell', () => {
  it('leaves every file as it was', () => {
    const folder = projectIn(tempFolder());
    const before = filesIn(folder);
    for (const line of ordinaryLines) {
      expect(plainShell(line), line).toBeDefined();
      run(folder, line);
      expect(filesIn(folder), line).toEqual(before);
    }
    expect(before.size).toBe(4);
    run(folder, 'sort -o README.md src/a.ts');
    expect(filesIn(folder)).not.toEqual(before);
  });
});

function run(folder: string, line: string): void {
  const env = { ...process.env, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
  const { error } = spawnSync('sh', ['-c', line], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  });
  if (error !== undefined) throw error;
}

function projectIn(folder: string): string {
  for (const name of ['src', 'data']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'README.md'), 'About the neap tide.\n');
  writeFileSync(join(folder, 'src/a.ts'), 'const tide = 1;\n// neap tide\n');
  writeFileSync(join(folder, 'data/stations.csv'), 'name,height\nA,3\nB,2\n');
  writeFileSync(join(folder, 'data/tides.json'), '{"cells":[{"id":"1","source":["a"]}]}\n');
  for (let at = 0; at < 2; at += 1)
    run(folder, 'git init -q; git add .; git -c user.name=a -c user.email=a@b.c commit -q --allow-empty -m one');
  return folder;
}

/** But for git's own: it writes down there what it has looked at. */
function filesIn(folder: string, under = ''): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const name of readdirSync(join(folder, under))) {
    const path = join(under, name);
    if (name === '.git') continue;
    if (statSync(join(folder, path)).isDirectory())
      for (const [inner, sum] of filesIn(folder, path)) found.set(inner, sum);
    else
      found.set(
        path,
        createHash('sha256')
          .update(readFileSync(join(folder, path)))
          .digest('hex'),
      );
  }
  return found;
}
