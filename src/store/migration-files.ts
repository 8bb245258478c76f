import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EstopError } from '../core/errors.ts';

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

const pattern = /^(\d{4})-([a-z0-9-]+)\.sql$/;

/** In order, without a gap. */
export function readMigrations(folder: string = migrationsFolder()): readonly Migration[] {
  const migrations = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => readMigration(folder, file));
  migrations.forEach((migration, index) => {
    if (migration.version !== index + 1)
      throw new EstopError('internal', { detail: `migration ${index + 1} is missing or doubled in ${folder}` });
  });
  return migrations;
}

function readMigration(folder: string, file: string): Migration {
  const match = pattern.exec(file);
  if (match === null) throw new EstopError('internal', { detail: `${file} is not named like a migration` });
  const sql = readFileSync(join(folder, file), 'utf8');
  return {
    version: Number(match[1]),
    name: file.slice(0, -4),
    sql,
    checksum: createHash('sha256').update(sql).digest('hex'),
  };
}

/** Beside this file, or, when it runs compiled, in the sources: the compiler copies no SQL. */
function migrationsFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const beside = join(here, 'migrations');
  if (existsSync(beside)) return beside;
  for (let folder = dirname(here); folder !== dirname(folder); folder = dirname(folder)) {
    const inSources = join(folder, 'src', 'store', 'migrations');
    if (existsSync(join(folder, 'package.json')) && existsSync(inSources)) return inSources;
  }
  throw new EstopError('part-missing', {
    detail: "the store's migrations (src/store/migrations) are not in this installation",
  });
}
