import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
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
