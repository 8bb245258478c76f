import { spawn } from 'node:child_process';
import { getPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Raised {
  readonly priority: number;
  readonly session: string;
  readonly lines: readonly string[];
}

describe('the stop process', () => {
  it('goes before others on a busy machine where it may, and says so once where it may not', async () => {
    const { priority, session, lines } = await raised({ detached: true });
    if (lines.length === 0) {
      expect(priority).toBe(-10);
      if (session !== '') expect(session).toMatch(/nice -10$/);
    } else
      expect([priority, lines]).toEqual([getPriority(), ['the priority of the stop process is that of any other']]);
  });

  it('does not raise others with it that share its session', async () => {
    const { session } = await raised({ detached: false });
    expect(session).not.toMatch(/nice -10$/);
  });
});

function raised({ detached }: { readonly detached: boolean }): Promise<Raised> {
  return new Promise((resolve, reject) => {
    const program = fileURLToPath(new URL('./programs/raised.ts', import.meta.url));
    const child = spawn(process.execPath, [program], { detached, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
    child.once('error', reject);
    child.once('close', () => resolve(JSON.parse(output) as Raised)); // of our own program
  });
}
