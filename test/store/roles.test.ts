import { Client } from 'pg';
import { beforeAll, expect, it } from 'vitest';
import { provisionStore } from '../../src/store/provision.ts';
import { connectionLimit, type StoreRole, storeRoles } from '../../src/store/role.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { type Ledger, newName, openLedger } from './ledger.ts';
import { mayExecute } from './role-rights.ts';

const roles = Object.keys(mayExecute) as readonly (keyof typeof mayExecute)[]; // the keys of the literal above

onEveryPostgres('roles of the store', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    const { url, name } = await createOn();
    ledger = await openLedger(url, name); // as it is done for an installation
  });

  it.each(roles)('%s may execute exactly what its process calls', async (role) => {
    const rows = await ledger.sql(
      `SELECT p.proname AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE n.nspname = 'estop' AND has_function_privilege($1, p.oid, 'EXECUTE') ORDER BY 1`,
      [role],
    );
    expect(rows.map((row) => row['name'])).toEqual(mayExecute[role]);
  });

  it.each(roles)('%s may write no table, and make nothing', async (role) => {
    const rows = await ledger.sql(
      `SELECT c.relname, p.privilege FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
         unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) p(privilege)
       WHERE n.nspname = 'estop' AND c.relkind = 'r' AND (has_table_privilege($1, c.oid, p.privilege)
         OR (p.privilege IN ('INSERT', 'UPDATE', 'REFERENCES') AND has_any_column_privilege($1, c.oid, p.privilege)))`,
      [role],
    );
    expect(rows).toEqual([]);
    const [made] = await ledger.sql(
      `SELECT has_schema_privilege($1, 'estop', 'CREATE') OR has_schema_privilege($1, 'public', 'CREATE')
         OR has_database_privilege($1, current_database(), 'CREATE') OR has_database_privilege($1, current_database(), 'TEMP') AS can`,
      [role],
    );
    expect(made?.['can']).toBe(false);
  });

  it('sealed credentials are read by the revoker alone, and the row that orders stops by nobody', async () => {
    const readers = async (table: string, column: string): Promise<readonly unknown[]> =>
      (
        await ledger.sql(`SELECT r FROM unnest($1::text[]) r WHERE has_column_privilege(r, $2, $3, 'SELECT')`, [
          roles,
          table,
          column,
        ])
      ).map((row) => row['r']);
    expect(await readers('estop.grants', 'sealed')).toEqual(['estop_revoker']);
    expect(await readers('estop.secrets', 'sealed')).toEqual([]);
    expect(await readers('estop.secrets', 'fingerprint')).toEqual([]);
    expect(await readers('estop.latch_order', 'only_row')).toEqual([]);
    expect(await readers('estop.idempotency_keys', 'response')).toEqual([]);
  });

  it("every function that runs with its owner's rights fixes its search path", async () => {
    const rows = await ledger.sql(
      `SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE n.nspname = 'estop' AND p.prosecdef AND NOT coalesce(p.proconfig, '{}') && ARRAY['search_path=pg_catalog, pg_temp']`,
    );
    expect(rows).toEqual([]);
  });

  it('nobody is a superuser, and everything belongs to the owner', async () => {
    const rows = await ledger.sql(
      `SELECT rolname FROM pg_roles WHERE rolname = ANY ($1) AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls OR NOT rolcanlogin)`,
      [storeRoles],
    );
    expect(rows).toEqual([]);
    const strangers = await ledger.sql(
      `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'estop' AND pg_get_userbyid(c.relowner) <> 'estop_owner'
       UNION ALL SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'estop' AND pg_get_userbyid(p.proowner) <> 'estop_owner'`,
    );
    expect(strangers).toEqual([]);
  });

  it('a role that is not named does not get in', async () => {
    const name = newName('stranger').replace('-', '_');
    await ledger.sql(`CREATE ROLE ${name} LOGIN PASSWORD 'x'`);
    try {
      const url = new URL(ledger.urls.estop_control);
      url.username = name;
      url.password = 'x';
      const client = new Client({ connectionString: url.href });
      await expect(client.connect()).rejects.toThrow(/permission denied/);
    } finally {
      await ledger.sql(`DROP ROLE ${name}`);
    }
  });

  it('the limits leave a stop its share: the sum of them stays under what the server has', async () => {
    for (const connections of [50, 100, 300, 1_000]) {
      const sum = storeRoles.reduce((total, role) => total + connectionLimit(role, connections), 0);
      expect(sum).toBeLessThanOrEqual(connections * 0.92);
    }
    const rows = await ledger.sql(
      `SELECT rolname, rolconnlimit, current_setting('max_connections')::int AS max FROM pg_roles WHERE rolname = ANY ($1)`,
      [storeRoles],
    );
    for (const row of rows)
      expect(row['rolconnlimit']).toBe(connectionLimit(row['rolname'] as StoreRole, Number(row['max'])));
  });

  it('sessions of a stop process that vanished with its machine end soon, and the few connections of a stop are free again', async () => {
    const rows = await ledger.sql("SELECT rolconfig FROM pg_roles WHERE rolname IN ('estop_stop', 'estop_latch')");
    for (const row of rows)
      expect(row['rolconfig']).toEqual(
        expect.arrayContaining(['tcp_keepalives_idle=5', 'tcp_keepalives_interval=5', 'tcp_keepalives_count=3']),
      );
    expect(rows).toHaveLength(2);
  });

  it('a gateway and the mint go by indexes, however small a table was when their plans were made', async () => {
    for (const role of ['estop_gateway', 'estop_trusted'] as const) {
      const { rows } = await ledger
        .as(role)
        .query<Record<string, string>>(
          "SELECT current_setting('enable_seqscan') AS scan, current_setting('enable_hashjoin') AS hash, current_setting('enable_mergejoin') AS merge, current_setting('jit') AS jit",
        );
      expect(rows).toEqual([{ scan: 'off', hash: 'off', merge: 'off', jit: 'off' }]);
    }
  });

  it('allow paths give up before a lease ends, and a direct latch is never cut off by a time limit', async () => {
    const rows = await ledger.sql(`SELECT rolname, rolconfig FROM pg_roles WHERE rolname = ANY ($1)`, [storeRoles]);
    const settings = new Map(rows.map((row) => [row['rolname'], row['rolconfig'] as readonly string[] | null]));
    for (const role of ['estop_gateway', 'estop_control', 'estop_trusted']) {
      expect(settings.get(role)).toEqual(expect.arrayContaining(['lock_timeout=1s', 'statement_timeout=2500ms']));
    }
    expect(
      settings.get('estop_latch')?.filter((one) => /statement_timeout|transaction_timeout|lock_timeout/.test(one)),
    ).toEqual([]);
    expect(
      rows
        .flatMap((row) => (row['rolconfig'] as readonly string[] | null) ?? [])
        .filter((one) => one.includes('synchronous_commit')),
    ).toEqual([]);
  });

  it('provisioning again changes nothing, and never renames an environment', async () => {
    const [row] = await ledger.sql('SELECT current_database() AS name');
    const database = String(row?.['name']);
    expect(await provisionStore({ superuserUrl: ledger.superuserUrl, database, environment: 'test' })).toEqual(
      ledger.urls,
    );
    await expect(
      provisionStore({ superuserUrl: ledger.superuserUrl, database, environment: 'production' }),
    ).rejects.toMatchObject({ code: 'foreign-environment' });
    await expect(
      provisionStore({ superuserUrl: ledger.superuserUrl, database, environment: 'Not An Environment' }),
    ).rejects.toMatchObject({ code: 'config-invalid' });
  });
});
