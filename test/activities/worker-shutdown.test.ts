import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { expect, it } from 'vitest';
import { workerShutdown } from '../../src/activities/heartbeat.ts';

/** One attempt of an activity, which can be cancelled for one reason or another. */
function attempt(cancelledAlready?: object) {
  const controller = new AbortController();
  const context = { cancellationSignal: controller.signal, cancellationDetails: cancelledAlready };
  const cancel = (details: object): void => {
    context.cancellationDetails = details;
    controller.abort(new Error('cancelled'));
  };
  if (cancelledAlready !== undefined) controller.abort(new Error('cancelled'));
  const shutdown = asyncLocalStorage.run(context as unknown as Context, workerShutdown); // only a worker can make a whole Context
  return { shutdown, cancel };
}

const given = { workerShutdown: false, cancelRequested: true, timedOut: true, notFound: true };

it('an attempt that Temporal has given up goes on: what it began is not ended by half', () => {
  const { shutdown, cancel } = attempt();
  cancel(given);
  expect(shutdown.aborted).toBe(false);
});

it('an attempt whose worker ends is ended, with the reason', () => {
  const { shutdown, cancel } = attempt();
  cancel({ ...given, workerShutdown: true });
  expect(shutdown.aborted).toBe(true);
  expect(shutdown.reason).toEqual(new Error('cancelled'));
});

it('an attempt that starts while its worker is ending already is ended', () => {
  expect(attempt({ ...given, workerShutdown: true }).shutdown.aborted).toBe(true);
  expect(attempt(given).shutdown.aborted).toBe(false);
});
