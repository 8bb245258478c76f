import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { beating } from '../../src/activities/heartbeat.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** One running activity; counts its heartbeats. */
function runningCall(): { beats(): number; end(): Promise<void> } {
  let beats = 0;
  let finish: () => void = () => undefined;
  const context = { cancellationSignal: new AbortController().signal, heartbeat: () => void (beats += 1) };
  const done = asyncLocalStorage.run(
    context as unknown as Context, // only a worker can make a whole Context
    () => beating(() => new Promise<void>((resolve) => (finish = resolve))),
  );
  return {
    beats: () => beats,
    end: () => {
      finish();
      return done;
    },
  };
}

it('asks twice a second whether a call was cancelled, and no more once it is over', async () => {
  const call = runningCall();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(call.beats()).toBe(5);
  await call.end();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(call.beats()).toBe(5);
});

it('asks less often for each of hundreds of calls, and often enough for Temporal to know that they live', async () => {
  const calls = Array.from({ length: 300 }, runningCall);
  await vi.advanceTimersByTimeAsync(3_000);
  const before = calls.map(({ beats }) => beats());
  await vi.advanceTimersByTimeAsync(9_000);
  const beats = calls.map((call, index) => call.beats() - (before[index] ?? 0));
  expect(new Set(beats)).toEqual(new Set([3]));
  await Promise.all(calls.map((call) => call.end()));

  const alone = runningCall();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(alone.beats()).toBe(5);
  await alone.end();
});
