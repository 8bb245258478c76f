import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Tests } from './guard.ts';

export interface TestRun {
  readonly green: ReadonlySet<string>;
  readonly red: readonly RedTest[];
  /** Files that could not be run at all, and why. */
  readonly broken: readonly string[];
  readonly timedOut: boolean;
}

export interface RedTest {
  readonly name: string;
  readonly message: string;
}

/** Of one test. What only a time-out would notice is noticed by nobody. */
const testTimeoutMs = 30_000;
/** Of what a test waits for: less than the time of the test, so that it fails by what did not come. */
const patienceMs = 15_000;
const runTimeoutMs = 240_000;
const graceMs = 10_000;

const Report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
});

/** Runs the named tests in the tree, as a developer would, and reads what came of each. */
export async function runTests(root: string, tests: readonly Tests[], stopAtFirst: boolean): Promise<TestRun> {
  const reportPath = join(root, 'mutate-guards-report.json');
  rmSync(reportPath, { force: true });
  const files = [...new Set(tests.map(({ file }) => file))];
  const titles = tests.every(({ title }) => title !== undefined) ? tests.map(({ title }) => escaped(title ?? '')) : [];
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const options = [
    '--reporter=json',
    `--outputFile=${reportPath}`,
    '--retry=0',
    `--testTimeout=${testTimeoutMs}`,
    ...(stopAtFirst ? ['--bail=1'] : []),
    ...(titles.length === 0 ? [] : ['-t', [...new Set(titles)].join('|')]),
  ];
  const timedOut = await run(root, [vitest, 'run', ...files, ...options]);
  if (!existsSync(reportPath)) return { green: new Set(), red: [], broken: ['the tests wrote no report'], timedOut };
  const { testResults } = Report.parse(JSON.parse(readFileSync(reportPath, 'utf8')));
  const all = testResults.flatMap(({ assertionResults }) => assertionResults);
  return {
    green: new Set(all.filter(({ status }) => status === 'passed').map(({ fullName }) => fullName)),
    red: all
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages }) => ({ name: fullName, message: failureMessages?.join('\n') ?? '' })),
    broken: testResults
      .filter(({ status, assertionResults }) => status === 'failed' && !assertionResults.some(isFailed))
      .map(({ name, message }) => `${name}: ${message ?? ''}`),
    timedOut,
  };
}

const isFailed = ({ status }: { readonly status: string }): boolean => status === 'failed';
const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

const running = new Set<number>();

/** For whoever ends while tests run. */
export function endRuns(): void {
  for (const group of running) process.kill(-group, 'SIGTERM');
}

/** True: it had to be ended. In a group of its own, so that what it started ends with it. */
function run(cwd: string, args: readonly string[]): Promise<boolean> {
  const { CI: _retries, ...inherited } = process.env;
  const env = { ...inherited, ESTOP_TEST_PATIENCE_MS: String(patienceMs) };
  const child = spawn(process.execPath, args, { cwd, env, stdio: 'ignore', detached: true });
  if (child.pid !== undefined) running.add(child.pid);
  return new Promise((resolve, reject) => {
    let timedOut = false;
    const end = (signal: NodeJS.Signals): void => {
      timedOut = true;
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    };
    const patience = setTimeout(() => end('SIGTERM'), runTimeoutMs);
    const force = setTimeout(() => end('SIGKILL'), runTimeoutMs + graceMs);
    child.once('error', reject);
    child.once('exit', () => {
      if (child.pid !== undefined) running.delete(child.pid);
      clearTimeout(patience);
      clearTimeout(force);
      resolve(timedOut);
    });
  });
}
