import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { expect, it } from 'vitest';
import { toFailure } from '../../src/activities/boundary.ts';
import { TaskStopped, toldLate } from '../../src/activities/cut-off.ts';
import { EstopError } from '../../src/core/errors.ts';

/** Attempts in one worker: how each ended, and how long it was kept. */
function worker(outcome: () => unknown, longer: () => Promise<void> = async () => undefined) {
  const shutdown = new AbortController();
  let kept = 0;
  let [isOver, isEnding] = [false, false];
  const pause = async (ms: number, signal?: AbortSignal): Promise<void> => {
    kept += ms;
    if (ms > 2_000) await longer();
    signal?.throwIfAborted();
  };
  const { callTool } = toldLate({ callTool: async () => outcome() }, { slots: 10, isEnding: () => isEnding, pause });
  const attempt = async (activityId: string) => {
    kept = 0;
    const context = {
      cancellationSignal: shutdown.signal,
      cancellationDetails: { notFound: isOver },
      info: { activityId, workflowExecution: { runId: 'run' } },
    };
    const ended = await asyncLocalStorage.run(
      context as unknown as Context, // only a worker can make a whole Context
      () => callTool().catch((thrown: unknown) => toFailure(thrown)),
    );
    return { ended, kept };
  };
  /** What the answer to a heartbeat says of a task that was ended. */
  const end = (): void => {
    isOver = true;
    shutdown.abort(new Error('cancelled'));
  };
  return { attempt, shutdown, end, leave: () => void (isEnding = true) };
}

const refuse = (): never => {
  throw new EstopError('stopped');
};

it('a call that a stop refuses is tried once more before its task hears of it', async () => {
  const { attempt } = worker(refuse);
  expect((await attempt('1')).ended).toMatchObject({ type: 'stopped', nonRetryable: false });
  expect((await attempt('2')).ended).toMatchObject({ nonRetryable: false });
  expect((await attempt('1')).ended).toMatchObject({ type: 'stopped', nonRetryable: true });
});

it.each([
  [
    'the more calls a stop of their tasks refuses, the longer each keeps its slot',
    new TaskStopped('x'),
    19_000,
    20_000,
  ],
  [
    'a model that is stopped keeps slots from the tasks of others for seconds at most',
    new EstopError('stopped'),
    2_000,
    2_000,
  ],
] as const)('%s', async (_title, refusal, least, most) => {
  const { attempt } = worker(() => {
    throw refusal;
  });
  const times: number[] = [];
  for (let i = 0; i < 800; i += 1) times.push((await attempt(String(i))).kept);
  expect(times[0]).toBeLessThan(200);
  expect(times[30]).toBeGreaterThan(times[0] ?? 0);
  expect(times.at(-1)).toBe(Math.max(...times));
  expect(times.at(-1)).toBeGreaterThanOrEqual(least);
  expect(times.at(-1)).toBeLessThanOrEqual(most);
});

it('a stopped crowd keeps no more than half of the slots for long', async () => {
  let over: () => void = () => undefined;
  const stopEnds = new Promise<void>((resolve) => (over = resolve));
  const { attempt } = worker(
    () => {
      throw new TaskStopped('x');
    },
    () => stopEnds,
  );
  for (let i = 0; i < 42; i += 1) await attempt(String(i)); // until each would be kept for longer than that
  const ended: string[] = [];
  const attempts = Array.from({ length: 10 }, (_, n) =>
    attempt(`crowd ${n}`).then((told) => {
      expect(told.ended).toMatchObject({ type: 'stopped', nonRetryable: false });
      ended.push(`${n}`);
    }),
  );
  while (ended.length < 5) await new Promise((resolve) => setImmediate(resolve));
  expect(ended).toEqual(['5', '6', '7', '8', '9']);
  over();
  await Promise.all(attempts);
});

it('a slot is kept although its task is over, but not from a worker that ends', async () => {
  const { attempt, end, leave } = worker(() => {
    throw new TaskStopped('x');
  });
  for (let i = 0; i < 100; i += 1) await attempt(String(i));
  end();
  const { kept } = await attempt('over');
  expect(kept).toBeGreaterThan(100);
  leave();
  expect((await attempt('ends')).kept).toBe(100);
});

it.each([
  { kind: 'stopped' },
  { kind: 'interrupted' },
  { outcome: { kind: 'interrupted' } },
  { outcome: { kind: 'answered', text: 'of a step whose model was cut off', isError: false } },
])('a call that came to %j is told late', async (outcome) => {
  const { attempt } = worker(() => outcome);
  expect(await attempt('1')).toEqual({ ended: outcome, kept: 400 });
});

it.each([
  { kind: 'answered', text: '', isError: false },
  { kind: 'denied', reason: '' },
  { outcome: { kind: 'needs-approval', approvalId: 'a', expiresAt: '' } },
  { outcome: { kind: 'answered', text: '', isError: false }, turn: { text: '', toolCalls: [], tokensUsed: 1 } },
  { stopId: 's' },
])('what came to %j is told at once', async (outcome) => {
  const { attempt } = worker(() => outcome);
  expect(await attempt('1')).toEqual({ ended: outcome, kept: 0 });
});

it('a call that may have been made is not made again because its worker ends', async () => {
  const { attempt, shutdown } = worker(() => ({ kind: 'interrupted' }));
  shutdown.abort(new Error('cancelled'));
  expect((await attempt('1')).ended).toEqual({ kind: 'interrupted' });
});

it('what fails for another reason is told at once', async () => {
  const { attempt } = worker(() => {
    throw new EstopError('forbidden');
  });
  expect(await attempt('1')).toMatchObject({ ended: { type: 'forbidden', nonRetryable: true }, kept: 0 });
});
