import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { namespaces } from '../../src/contract/names.ts';
import type { Installation } from '../../src/runtime/installation/installation.ts';
import { findTemporalBinary } from '../../src/runtime/local/temporal-binary.ts';
import { packageRoot } from '../../src/runtime/package-root.ts';

const run = promisify(execFile);

/** The command line as a person types it, in the folder of an installation. Where it printed nothing, what it said on the side. */
export async function commandLine(
  profilePath: string,
  args: readonly string[],
): Promise<{ readonly code: number; readonly out: string }> {
  const folder = dirname(profilePath);
  const program = [join(packageRoot, 'dist', 'src', 'cli', 'main.js'), ...args, '--state', folder];
  return run(process.execPath, program, { cwd: folder }).then(
    ({ stdout }) => ({ code: 0, out: stdout }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      code,
      out: stdout === '' ? stderr : stdout,
    }),
  );
}

/** The history of a workflow of an agent, as Temporal's own command line shows it, with our codec where a token is given. */
export async function temporalCommandLine(
  { profile, temporal }: Pick<Installation, 'profile' | 'temporal'>,
  workflowId: string,
  token: string | undefined,
): Promise<string> {
  const which = ['--workflow-id', workflowId, '--namespace', namespaces.agents, '--address', temporal.address];
  const codec = ['--codec-endpoint', `${profile.controlUrl}/codec`, '--codec-auth', `Bearer ${token}`];
  const args = ['workflow', 'show', '--output', 'json', ...which, ...(token === undefined ? [] : codec)];
  return (await run(await findTemporalBinary(), args)).stdout;
}
