/** Starts what it is told to, says where it runs, and waits to be killed. */
import { type PostgresOptions, startPostgres } from '../../../src/runtime/local/postgres-server.ts';
import { startTemporal } from '../../../src/runtime/local/temporal-server.ts';

const [kind = '', options = ''] = process.argv.slice(2);
if (kind === 'postgres') {
  // What JSON.parse gives is what the test wrote: it owns both ends.
  const server = await startPostgres(JSON.parse(options) as PostgresOptions);
  console.log(
    JSON.stringify({ pid: server.pid, port: server.port, adopted: server.adopted, url: server.url('postgres') }),
  );
} else {
  const server = await startTemporal({ stateFolder: options });
  console.log(JSON.stringify({ pid: server.pid, address: server.address, uiUrl: server.uiUrl }));
}
