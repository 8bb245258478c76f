import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deadBy } from '../../src/core/credential.ts';
import { marksOf, noStops, onStop, type StopBook, type StopEvent } from '../../src/core/stop.ts';
import { anyScopeKey, anyStopEvent } from './arbitrary.ts';

const histories = fc.array(anyStopEvent, { maxLength: 60, size: 'max' });

function* walk(events: readonly StopEvent[]): Generator<{
  readonly event: StopEvent;
  readonly before: StopBook;
  readonly after: StopBook;
  readonly answer: string;
}> {
  let before = noStops;
  for (const event of events) {
    const { book: after, answer } = onStop(before, event);
    yield { event, before, after, answer };
    before = after;
  }
}

describe('stops', () => {
  it('a stop is accepted in every state, and kills what it names from then on, however new', () => {
    fc.assert(
      fc.property(histories, anyScopeKey, (events, scopeKey) => {
        const book = [...walk(events)].at(-1)?.after ?? noStops;
        const { book: stopped, answer } = onStop(book, { kind: 'latch', stopId: 'the-one', scopeKey });
        expect(answer).toBe('latched');
        expect(deadBy({ keys: [scopeKey], epoch: Number.MAX_SAFE_INTEGER }, marksOf(stopped))).toBeDefined();
      }),
    );
  });

  it('epochs are handed out one by one, to stops and resets alike, and never twice', () => {
    fc.assert(
      fc.property(histories, (events) => {
        for (const { before, after, answer } of walk(events)) {
          const grew = answer === 'latched' || answer === 'reset';
          expect(after.epoch).toBe(before.epoch + (grew ? 1 : 0));
          const used = after.stops.flatMap((stop) => [
            stop.epoch,
            ...(stop.resetEpoch === undefined ? [] : [stop.resetEpoch]),
          ]);
          expect([...used].sort((a, b) => a - b)).toEqual(Array.from({ length: after.epoch }, (_, index) => index + 1));
        }
      }),
    );
  });

  it('only its own reset takes a stop out of force, and only once it is fenced', () => {
    fc.assert(
      fc.property(histories, (events) => {
        for (const { event, before, after } of walk(events)) {
          for (const stop of before.stops) {
            const now = after.stops.find((one) => one.stopId === stop.stopId);
            if (stop.resetEpoch === now?.resetEpoch) continue;
            expect(event).toMatchObject({ kind: 'reset', stopId: stop.stopId });
            expect(stop.fenced).toBe(true);
          }
        }
      }),
    );
  });

  it('the fleet is reset by two people', () => {
    fc.assert(
      fc.property(histories, (events) => {
        const { stops } = [...walk(events)].at(-1)?.after ?? noStops;
        for (const stop of stops)
          if (stop.scopeKey === 'fleet' && stop.resetEpoch !== undefined)
            expect(stop.resetAskedBy.length).toBeGreaterThanOrEqual(2);
      }),
    );
  });

  it('a stop is proved only by whoever verified it, and never of what turned up later', () => {
    fc.assert(
      fc.property(histories, (events) => {
        for (const { event, before, after } of walk(events)) {
          for (const stop of after.stops) {
            const was = before.stops.find((one) => one.stopId === stop.stopId);
            if (stop.proved && was?.proved !== true)
              expect(event).toMatchObject({ kind: 'proved', stopId: stop.stopId });
            if (event.kind === 'found' && event.stopId === stop.stopId) expect(stop.proved).toBe(false);
          }
        }
      }),
    );
  });

  it('proved never stands without fenced, halted and revoked', () => {
    fc.assert(
      fc.property(histories, (events) => {
        for (const { after } of walk(events)) {
          for (const stop of after.stops)
            if (stop.proved) expect([stop.fenced, stop.halted, stop.revoked]).toEqual([true, true, true]);
        }
      }),
    );
  });

  it('the same stop sent again changes nothing, and its id cannot be used for another', () => {
    fc.assert(
      fc.property(histories, anyScopeKey, (events, scopeKey) => {
        const book = [...walk(events)].at(-1)?.after ?? noStops;
        for (const stop of book.stops) {
          const again = onStop(book, { kind: 'latch', stopId: stop.stopId, scopeKey });
          expect(again).toEqual({ book, answer: scopeKey === stop.scopeKey ? 'same-stop' : 'id-taken' });
        }
      }),
    );
  });
});
