import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Client } from 'pg';
import { claimStateFolder } from '../../src/runtime/local/state-folder.ts';
import { packageRoot } from '../../src/runtime/package-root.ts';
import { startRunPostgres } from '../kit/run-postgres.ts';
import { neutral } from './neutral.ts';
import type { RecordedHistory } from './scenario.ts';
import { scenarios } from './scenarios.ts';

const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }; // npm keeps it so
const target = join(packageRoot, 'test', 'replay', version);
const overwrite = process.argv.includes('--overwrite');

function write({ name, workflowId, history }: RecordedHistory): void {
  const path = join(target, `${name}.json`);
  if (existsSync(path) && !overwrite) {
    process.stdout.write(`${name}: kept\n`);
    return;
  }
  const recorded: unknown = JSON.parse(historyToJSON(history));
  writeFileSync(path, `${JSON.stringify({ workflowId, history: neutral(recorded) }, undefined, 1)}\n`);
  process.stdout.write(`${name}: ${history.events?.length ?? 0} events\n`);
}

mkdirSync(target, { recursive: true });
for (const [index, scenario] of scenarios.entries()) {
  const folder = claimStateFolder(mkdtempSync(join(tmpdir(), 'estop-record-')));
  const postgres = await startRunPostgres(folder.path, '18');
  try {
    const name = `record_${index}`;
    const client = new Client({ connectionString: postgres.url('postgres') });
    await client.connect();
    await client.query(`CREATE DATABASE ${name}`);
    await client.end();
    for (const recorded of await scenario({ folder: folder.path, databaseUrl: postgres.url(name) })) write(recorded);
  } finally {
    await postgres.stop();
    folder.release();
    rmSync(folder.path, { recursive: true, force: true });
  }
}
process.exit(0);
