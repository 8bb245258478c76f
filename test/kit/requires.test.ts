import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempFolder } from './temp-folder.ts';

const root = join(import.meta.dirname, '..', '..');

describe('a suite whose server is not installed', () => {
  it('is listed as skipped, with what to install', async () => {
    expect(await runWithoutGo({})).toMatchObject({
      code: 0,
      passed: 0,
      skipped: 1,
      failed: 0,
      titles: ['a suite (skipped: install Go 1.26.4 or newer) runs'],
    });
  });

  it('fails where everything must run', async () => {
    expect(await runWithoutGo({ ESTOP_REQUIRE_ALL: '1' })).toMatchObject({
      code: 1,
      passed: 0,
      skipped: 0,
      failed: 1,
      titles: ['a suite can run: install Go 1.26.4 or newer'],
    });
  });
});

interface Run {
  readonly code: unknown;
  readonly passed: number;
  readonly skipped: number;
  readonly failed: number;
  readonly titles: readonly string[];
}

async function runWithoutGo(env: NodeJS.ProcessEnv): Promise<Run> {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const config = join(import.meta.dirname, 'programs', 'vitest.config.ts');
  const { ESTOP_REQUIRE_ALL: _ours, ...rest } = process.env;
  const outputFile = join(tempFolder(), 'report.json');
  const child = spawn(
    process.execPath,
    [vitest, 'run', '--config', config, '--reporter', 'json', '--outputFile', outputFile],
    {
      cwd: root,
      env: { ...rest, PATH: '', ...env },
      stdio: 'ignore',
    },
  );
  const [code] = await once(child, 'close');
  // The shape of the JSON reporter, which is Jest's.
  const report = JSON.parse(readFileSync(outputFile, 'utf8')) as {
    readonly numPassedTests: number;
    readonly numPendingTests: number;
    readonly numFailedTests: number;
    readonly testResults: readonly { readonly assertionResults: readonly { readonly fullName: string }[] }[];
  };
  const titles = report.testResults.flatMap(({ assertionResults }) => assertionResults.map(({ fullName }) => fullName));
  return {
    code,
    passed: report.numPassedTests,
    skipped: report.numPendingTests,
    failed: report.numFailedTests,
    titles,
  };
}
