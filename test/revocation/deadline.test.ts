import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { underDeadline } from '../../src/activities/deadline.ts';

const run = promisify(execFile);
const never = new AbortController().signal;

describe('the deadline of an attempt', () => {
  it('does not count the time in which this process was starved: the answer that came meanwhile is read', async () => {
    const answer = underDeadline(1_000, never, async (signal) => {
      const asked = run('sh', ['-c', 'sleep 0.1; echo answered'], { signal });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_000);
      return (await asked).stdout.trim();
    });
    expect(await answer).toBe('answered');
  });

  it('ends an attempt whose connector ignores the signal', async () => {
    let told: AbortSignal | undefined;
    const hung = underDeadline(50, never, (signal) => {
      told = signal;
      return new Promise(() => undefined);
    });
    await expect(hung).rejects.toMatchObject({ code: 'connector-unavailable', detail: 'no answer within 50 ms' });
    expect(told?.aborted).toBe(true);
  });

  it('gives way to the end of the worker at once', async () => {
    const ending = new AbortController();
    const hung = underDeadline(60_000, ending.signal, () => new Promise(() => undefined));
    ending.abort();
    await expect(hung).rejects.toMatchObject({ detail: 'the worker shuts down' });
  });
});
