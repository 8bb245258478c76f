import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { sourceExtension, sourceRoot } from '../../src/runtime/package-root.ts';

/** What our command line writes to a terminal of that width, every byte: `script` gives it one. */
export function runInTerminal(args: readonly string[], columns: number, stateFolder: string): Promise<string> {
  const main = join(sourceRoot, `cli/main${sourceExtension}`);
  const quoted = [process.execPath, main, '--state', stateFolder, ...args]
    .map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
    .join(' ');
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qec', `stty cols ${columns} rows 60; ${quoted}`, '/dev/null'], {
      env: { PATH: process.env['PATH'] ?? '', HOME: stateFolder, TERM: 'xterm' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.once('error', reject);
    child.once('close', () => resolve(output));
  });
}
