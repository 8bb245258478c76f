import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deadBy } from '../../src/core/credential.ts';
import { marksOf, noStops, onStop, type StopBook } from '../../src/core/stop.ts';
import { anyCredential, anyStopEvent } from './arbitrary.ts';

const after = (events: Iterable<Parameters<typeof onStop>[1]>): StopBook => {
  let book = noStops;
  for (const event of events) book = onStop(book, event).book;
  return book;
};

describe('a credential', () => {
  it('is dead exactly if a stop on one of its keys is in force, or is younger than it', () => {
    fc.assert(
      fc.property(fc.array(anyStopEvent), anyCredential, (events, credential) => {
        const stops = marksOf(after(events));
        const killers = stops.filter(
          (stop) => credential.keys.includes(stop.scopeKey) && (stop.inForce || stop.epoch > credential.epoch),
        );
        expect(deadBy(credential, stops)).toEqual(killers[0]);
      }),
    );
  });

  it('stays dead once a stop younger than it has killed it, whatever happens afterwards', () => {
    fc.assert(
      fc.property(fc.array(anyStopEvent), fc.array(anyStopEvent), anyCredential, (before, later, credential) => {
        const book = after(before);
        const killer = deadBy(credential, marksOf(book));
        fc.pre(killer !== undefined && killer.epoch > credential.epoch);
        let now = book;
        for (const event of later) {
          now = onStop(now, event).book;
          expect(deadBy(credential, marksOf(now))).toBeDefined();
        }
      }),
    );
  });

  it('issued after the reset of every stop on its keys is alive', () => {
    fc.assert(
      fc.property(fc.array(anyStopEvent), fc.array(anyStopEvent), anyCredential, (events, more, { keys }) => {
        const book = after([...events, ...more]);
        const free = book.stops.every((stop) => stop.resetEpoch !== undefined || !keys.includes(stop.scopeKey));
        expect(deadBy({ keys, epoch: book.epoch }, marksOf(book)) === undefined).toBe(free);
      }),
    );
  });
});
