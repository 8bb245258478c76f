import { chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { errorCodeOf } from '../../src/core/errors.ts';
import { type PostgresOptions, type PostgresServer, startPostgres } from '../../src/runtime/local/postgres-server.ts';
import { type OsUser, postgresUser } from '../../src/runtime/local/postgres-user.ts';
import { identifyProcess } from '../../src/runtime/local/process-identity.ts';
import { type Program, runProgram } from '../kit/program.ts';
import { itWhere, requires } from '../kit/requires.ts';
import { debianPostgres15 } from '../kit/run-postgres.ts';
import { tempFolder } from '../kit/temp-folder.ts';

const user = postgresUser();
const runServers = join(import.meta.dirname, 'programs', 'run-servers.ts');
const runs = (pid: unknown): boolean => identifyProcess(Number(pid)) !== undefined;

requires()('a PostgreSQL of the npm package', () => suite('embedded', 18));
requires('postgresql-15')('a PostgreSQL of Debian', () => suite(debianPostgres15, 15));

function suite(binaries: string, majorVersion: number): void {
  const optionsFor = (more: Partial<PostgresOptions> = {}): PostgresOptions => ({
    folder: tempFolder(),
    name: 'store',
    binaries,
    ...more,
  });

  it('starts from nothing and finds its data, its port and its password again', async () => {
    const options = optionsFor({ settings: { max_prepared_transactions: 7 } });
    const first = await start(options);
    expect(first).toMatchObject({ host: '127.0.0.1', majorVersion, adopted: false });
    await query(first.url('postgres'), 'CREATE TABLE kept AS SELECT 1 AS one');
    await first.stop();
    expect(runs(first.pid)).toBe(false);

    const second = await start(options);
    expect(second).toMatchObject({ port: first.port, superuser: first.superuser, adopted: false });
    expect(
      await query(
        second.url('postgres'),
        "SELECT one, current_setting('max_prepared_transactions') AS prepared FROM kept",
      ),
    ).toEqual([{ one: 1, prepared: '7' }]);
  });

  it('lets nobody in without the password, listens on loopback alone, and commits durably', async () => {
    const options = optionsFor();
    const server = await start(options);
    const wrong = server.url('postgres', { user: server.superuser.user, password: 'guess' });
    await expect(query(wrong, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    const [settings] = await query(
      server.url('postgres'),
      "SELECT current_setting('listen_addresses') AS tcp, current_setting('unix_socket_directories') AS sockets, current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS sync, (SELECT string_agg(DISTINCT auth_method, ',') FROM pg_hba_file_rules) AS methods",
    );
    expect(settings).toEqual({ tcp: '127.0.0.1', sockets: '', fsync: 'on', sync: 'on', methods: 'scram-sha-256' });
    const folder = join(options.folder, options.name);
    for (const file of ['superuser.json', 'server.log', 'port'])
      expect([file, statSync(join(folder, file)).mode & 0o077]).toEqual([file, 0]);
    for (const path of ['', 'data']) expect([path, statSync(join(folder, path)).mode & 0o077]).toEqual([path, 0]);
    expect(readFileSync(join(folder, 'server.log'), 'utf8')).not.toContain(server.superuser.password);
  });

  itWhere(process.platform === 'linux', 'the environment of a process is read from /proc, which only Linux has')(
    'is told none of our secrets',
    async () => {
      vi.stubEnv('ESTOP_SECRET', 'in-our-environment');
      const server = await start(optionsFor());
      // Where the system shows it: a program could be made to tell, too.
      const environment = readFileSync(`/proc/${server.pid}/environ`, 'utf8');
      expect(environment).toContain('PATH=');
      expect(environment).not.toContain('ESTOP_SECRET');
    },
  );

  it('is taken over, as it runs, from an estop that was killed', async () => {
    const options = optionsFor();
    const { parent, told } = await startElsewhere(options);
    await query(String(told['url']), 'CREATE TABLE kept AS SELECT 1 AS one');
    await parent.kill('SIGKILL');
    expect(runs(told['pid'])).toBe(true);

    const server = await start(options);
    expect(server).toMatchObject({ pid: told['pid'], port: told['port'], adopted: true });
    expect(await query(server.url('postgres'), 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
    await server.stop();
    expect(runs(told['pid'])).toBe(false);
  });

  it('left over with other settings is shut down and started anew', async () => {
    const options = optionsFor();
    const { parent, told } = await startElsewhere(options);
    await query(String(told['url']), 'CREATE TABLE kept AS SELECT 1 AS one');
    await parent.kill('SIGKILL');

    const server = await start({ ...options, settings: { max_connections: 33 } });
    expect(server.adopted).toBe(false);
    expect(runs(told['pid'])).toBe(false);
    expect(
      await query(server.url('postgres'), "SELECT one, current_setting('max_connections') AS max FROM kept"),
    ).toEqual([{ one: 1, max: '33' }]);
  });

  it('that another living estop started is shared, and not ended by the second', async () => {
    const options = optionsFor();
    const { parent, told } = await startElsewhere(options);
    const server = await start(options);
    expect(server).toMatchObject({ pid: told['pid'], adopted: true });
    await server.stop();
    expect(runs(told['pid'])).toBe(true);
    await expect(startPostgres({ ...options, settings: { max_connections: 33 } })).rejects.toThrow(
      `with other settings, for process ${parent.pid}`,
    );
  });

  itWhere(user !== undefined, 'only root has a second user to run the server as')(
    'runs as an ordinary user, who has no other to run it as',
    async () => {
      const options = optionsFor();
      chownSync(options.folder, user?.uid ?? 0, user?.gid ?? 0);
      const { told } = await startElsewhere(options, user);
      expect(await query(String(told['url']), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    },
  );

  it('that was killed itself recovers what it had committed', async () => {
    const options = optionsFor();
    const first = await start(options);
    await query(first.url('postgres'), 'CREATE TABLE kept AS SELECT 1 AS one');
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    const second = await start(options);
    expect(await query(second.url('postgres'), 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
  });

  it('starts on another port when a stranger has taken the one it had', async () => {
    const options = optionsFor();
    const first = await start(options);
    await first.stop();
    await listenOn(first.port);
    const second = await start(options);
    expect(second.port).not.toBe(first.port);
  });

  it('is started once when two ask at the same time', async () => {
    const options = optionsFor();
    const [one, two] = await Promise.all([start(options), start(options)]);
    expect(one.pid).toBe(two.pid);
    expect(one.adopted).not.toBe(two.adopted);
  });

  it('says in its own words why it does not come up', async () => {
    const options = optionsFor({ settings: { max_connections: 'many' } });
    await expect(startPostgres(options)).rejects.toSatisfy(
      (error) =>
        errorCodeOf(error) === 'part-failed' &&
        /store ended while starting; .*server\.log ends with:\n.*max_connections/s.test(String(error)),
    );
  });
}

describe('a PostgreSQL', () => {
  it('never signals the process that a stale pid file names', async () => {
    const options: PostgresOptions = { folder: tempFolder(), name: 'store' };
    const first = await start(options);
    await first.stop();
    const bystander = runProgram(join(import.meta.dirname, 'programs', 'hold-folder.ts'), [tempFolder()]);
    await bystander.next();
    const data = join(options.folder, 'store', 'data');
    writeFileSync(join(data, 'postmaster.pid'), `${bystander.pid}\n${data}\n0\n${first.port}\n`);
    // Whether the server may start beside it is PostgreSQL's own decision.
    await start(options).catch(() => undefined);
    expect(runs(bystander.pid)).toBe(true);
  });

  it('does not open data of another version, and says so', async () => {
    const options: PostgresOptions = { folder: tempFolder(), name: 'store' };
    const first = await start(options);
    await first.stop();
    writeFileSync(join(options.folder, 'store', 'data', 'PG_VERSION'), '14\n');
    await expect(startPostgres(options)).rejects.toThrow(/was made by PostgreSQL 14 and cannot be read by version 18/);
  });

  it('begins anew after a first start that was cut off in the middle', async () => {
    const options: PostgresOptions = { folder: tempFolder(), name: 'store' };
    mkdirSync(join(options.folder, 'store', 'data.draft', 'base'), { recursive: true });
    const server = await start(options);
    expect(await query(server.url('postgres'), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('that is not installed is named, with what to install', async () => {
    await expect(startPostgres({ folder: tempFolder(), name: 'store', binaries: '/no/such/bin' })).rejects.toSatisfy(
      (error) =>
        errorCodeOf(error) === 'part-missing' &&
        String(error).includes('/no/such/bin') &&
        String(error).includes('apt-get install postgresql'),
    );
  });
});

async function start(options: PostgresOptions): Promise<PostgresServer> {
  const server = await startPostgres(options);
  onTestFinished(() => server.stop());
  return server;
}

/** A server whose starter is another process, which the test may kill. */
async function startElsewhere(
  options: PostgresOptions,
  as?: OsUser,
): Promise<{ readonly parent: Program; readonly told: Record<string, unknown> }> {
  const parent = runProgram(runServers, ['postgres', JSON.stringify(options)], as);
  onTestFinished(async () => {
    await parent.kill('SIGKILL');
    await (await startPostgres(options)).stop();
  });
  return { parent, told: await parent.next() };
}

async function listenOn(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
}

async function query(connectionString: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
