import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { packageRoot } from '../../src/runtime/package-root.ts';

const summary = z.object({
  kind: z.literal('summary'),
  ok: z.boolean(),
  stop: z.object({ id: z.string(), epoch: z.int().positive() }),
  latchedMs: z.number(),
  fencedMs: z.number().nullable(),
  haltedMs: z.number().nullable(),
  obligations: z.array(
    z.object({
      connector: z.string(),
      target: z.string(),
      state: z.string(),
      evidence: z.string().nullable(),
      revokedMs: z.number().nullable(),
      provedMs: z.number().nullable(),
      lastSuccessMs: z.number().nullable(),
      attempts: z.int(),
    }),
  ),
  toolCallsAfterFenced: z.int(),
  descendantsHalted: z.int(),
  secondGenerationUntouched: z.boolean(),
  complaints: z.array(z.string()),
});

/** As `npm run -s demo -- --json ..` runs it: the compiled program, its exit code, its last line. */
async function runDemo(...args: readonly string[]) {
  const child = spawn(process.execPath, [join(packageRoot, 'dist', 'examples', 'demo', 'main.js'), '--json', ...args], {
    cwd: packageRoot,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  // Every line: what a server of the demo prints for its deployers does not belong among them.
  const lines = output
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  return { code, summary: summary.parse(lines.at(-1)) };
}

describe('the demo', () => {
  it('ends with everything proved, the hung system included, and the re-created agent untouched', async () => {
    const { code, summary: found } = await runDemo();
    // A retry that passes would hide what this run had to complain of.
    if (code !== 0) process.stderr.write(`the demo complains: ${found.complaints.join(' ')}\n`);
    expect(found.complaints).toEqual([]);
    expect(code).toBe(0);
    expect(found).toMatchObject({
      ok: true,
      toolCallsAfterFenced: 0,
      descendantsHalted: 1,
      secondGenerationUntouched: true,
    });
    expect(found.obligations.map((row) => row.connector).sort()).toEqual([
      'billing-db',
      'billing-db',
      'crm',
      'refund-queue',
      'scheduler',
    ]);
    for (const row of found.obligations) {
      expect(row.state).toBe('proved');
      expect(row.lastSuccessMs, row.connector).toBeLessThanOrEqual(row.provedMs ?? -1);
    }
    const provedOf = (connector: string): number =>
      Math.max(
        ...found.obligations
          .filter((row) => row.connector === connector)
          .map((row) => row.provedMs ?? Number.POSITIVE_INFINITY),
      );
    for (const healthy of ['billing-db', 'refund-queue', 'scheduler'])
      expect(provedOf(healthy), healthy).toBeLessThan(provedOf('crm'));
  }, 150_000);

  it.each([
    ['fence', /tool calls reached the MCP server after/],
    ['halt', /Temporal still runs/],
    ['revoke', /never became proved/],
    ['probe', /was reported proved .* still succeeded/],
  ])(
    'catches what goes wrong without %s',
    async (sabotage, complaint) => {
      const { code, summary: found } = await runDemo('--sabotage', sabotage);
      expect(code).toBe(1);
      expect(found.ok).toBe(false);
      expect(found.complaints.join('\n')).toMatch(complaint);
    },
    150_000,
  );
});
