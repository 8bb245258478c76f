import { Connection } from '@temporalio/client';
import { Client } from 'pg';
import { expect, inject, it } from 'vitest';
import { onEveryPostgres } from './postgres.ts';
import { requires } from './requires.ts';

onEveryPostgres('a test database', (createDatabase) => {
  it('is empty and the test’s own, and commits as in production', async () => {
    const { url } = await createDatabase();
    const client = new Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query(
      "SELECT current_setting('synchronous_commit') AS sync, (SELECT count(*)::int FROM pg_tables WHERE schemaname = 'public') AS tables",
    );
    await client.end();
    expect(rows).toEqual([{ sync: 'on', tables: 0 }]);
  });
});

requires('temporal')('the test run’s Temporal server', () => {
  it('has both namespaces', async () => {
    const connection = await Connection.connect({ address: inject('temporalAddress') });
    const { namespaces } = await connection.workflowService.listNamespaces({});
    await connection.close();
    expect(namespaces?.map(({ namespaceInfo }) => namespaceInfo?.name)).toEqual(
      expect.arrayContaining(['estop-agents', 'estop-control']),
    );
  });
});
