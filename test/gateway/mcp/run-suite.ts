import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const suiteProgram = join(
  import.meta.dirname,
  '../../../node_modules/@modelcontextprotocol/conformance/dist/index.js',
);
export const hasSuite = existsSync(suiteProgram);

interface Check {
  readonly id: string;
  readonly name: string;
  readonly status: string;
}

/** Every check of every scenario that a revision requires, by name: what it said, and how often. */
export async function runSuite(
  url: string,
  revision: string,
  folder: string,
): Promise<Readonly<Record<string, readonly string[]>>> {
  mkdirSync(folder, { recursive: true });
  await new Promise<void>((resolve) => {
    const args = [suiteProgram, 'server', '--url', url, '--requirements', revision, '--output-dir', folder];
    // Its exit code says whether all passed; here only what each check said counts.
    execFile(process.execPath, args, { cwd: folder, timeout: 100_000, maxBuffer: 64 * 1024 * 1024 }, () => resolve());
  });
  const results: Record<string, readonly string[]> = {};
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!file.endsWith('checks.json')) continue;
    const scenario = file.replace(/^.*server-(.+)-\d{4}-\d\d-\d\dT.*$/, '$1');
    const checks = JSON.parse(readFileSync(join(folder, file), 'utf8')) as readonly Check[]; // written by the suite
    results[scenario] = checks.map(({ id, name, status }) => `${id} ${name}: ${status}`).sort();
  }
  return results;
}
