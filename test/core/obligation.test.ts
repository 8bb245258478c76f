import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CauseLife,
  isActedOn,
  isProved,
  type LaneEvent,
  lastCut,
  onLane,
  openLane,
} from '../../src/core/obligation.ts';

const laneIds = ['x', 'y', 'z'];
const rounds = fc.constantFrom(0, 0, 0, 1, 2);

type Step = { readonly laneId: string; readonly event: LaneEvent };

/** Times rise from step to step; a probe may have begun some steps ago. */
const histories: fc.Arbitrary<readonly Step[]> = fc
  .array(
    fc.tuple(
      fc.constantFrom(...laneIds),
      rounds,
      fc.oneof(
        fc.constantFrom('cut', 'proved', 'expired', 'residual', 'reopen', 'accept-risk'),
        fc.integer({ min: 0, max: 4 }).map((ago) => ({ ago })),
      ),
    ),
    { maxLength: 60, size: 'max' },
  )
  .map((raw) => raw.map(([laneId, round, what], at) => ({ laneId, event: eventOf(what, round, at + 1) })));

function eventOf(what: string | { readonly ago: number }, round: number, at: number): LaneEvent {
  if (typeof what !== 'string') return { kind: 'last-probe', round, begunAt: at - what.ago };
  if (what === 'cut') return { kind: 'cut', round, at };
  if (what === 'reopen') return { kind: 'reopen', round };
  if (what === 'accept-risk') return { kind: 'accept-risk' };
  return { kind: 'conclude', round, state: what as 'proved' | 'expired' | 'residual', at }; // the only words left
}

function* walk(
  steps: readonly Step[],
  lastProbe: boolean,
): Generator<{ readonly before: CauseLife; readonly after: CauseLife; readonly step: Step; readonly taken: boolean }> {
  let before: CauseLife = { lastProbe, lanes: laneIds.map(openLane) };
  for (const step of steps) {
    const { cause: after, taken } = onLane(before, step.laneId, step.event);
    yield { before, after, step, taken };
    before = after;
  }
}

describe('obligations', () => {
  it('nothing but proof, an end that has passed, or a named person closes one', () => {
    fc.assert(
      fc.property(histories, fc.boolean(), (steps, lastProbe) => {
        for (const { after } of walk(steps, lastProbe)) {
          for (const lane of after.lanes)
            if (lane.final) expect(['proved', 'expired', 'accepted-risk']).toContain(lane.state);
        }
      }),
    );
  });

  it('under a stop a lane is final only after a probe that began later than the last cut of every lane', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        for (const { before, after } of walk(steps, true)) {
          for (const lane of after.lanes) {
            const was = before.lanes.find((one) => one.laneId === lane.laneId);
            if (!lane.final || was?.final === true || lane.state === 'accepted-risk') continue;
            expect(lane.probedAt).toBeGreaterThan(lastCut(after));
            expect(isActedOn(after)).toBe(true);
            // Together: nothing that could be final is left behind.
            expect(after.lanes.filter((one) => !one.final && one.state !== 'residual')).toEqual([]);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('no last probe is taken while any lane is still to be cut', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        for (const { before, step, taken } of walk(steps, true)) {
          if (step.event.kind === 'last-probe' && !isActedOn(before)) expect(taken).toBe(false);
        }
      }),
    );
  });

  it('what is final never changes again', () => {
    fc.assert(
      fc.property(histories, fc.boolean(), (steps, lastProbe) => {
        for (const { before, after } of walk(steps, lastProbe)) {
          for (const lane of before.lanes) if (lane.final) expect(after.lanes).toContainEqual(lane);
        }
      }),
    );
  });

  it('an answer that belongs to another round changes nothing', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        for (const { before, after, step, taken } of walk(steps, true)) {
          const lane = before.lanes.find((one) => one.laneId === step.laneId);
          if (step.event.kind === 'accept-risk' || step.event.round === lane?.round) continue;
          expect(taken).toBe(false);
          expect(after).toEqual(before);
        }
      }),
    );
  });

  it("a residual holds up nobody else's last probe, and is final only once it is proved", () => {
    let cause: CauseLife = { lastProbe: true, lanes: [openLane('token'), openLane('database')] };
    const step = (laneId: string, event: LaneEvent): void => {
      const next = onLane(cause, laneId, event);
      expect(next.taken).toBe(true);
      cause = next.cause;
    };
    step('token', { kind: 'conclude', round: 0, state: 'residual', at: 1 });
    step('database', { kind: 'conclude', round: 0, state: 'proved', at: 2 });
    step('database', { kind: 'last-probe', round: 0, begunAt: 3 });
    expect(cause.lanes.map((lane) => lane.final)).toEqual([false, true]);
    step('token', { kind: 'conclude', round: 0, state: 'proved', at: 4 });
    step('token', { kind: 'last-probe', round: 0, begunAt: 5 });
    expect(isProved(cause)).toBe(true);
  });

  it('a cause can always be finished, from wherever it stands', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        let cause = [...walk(steps, true)].at(-1)?.after ?? { lastProbe: true, lanes: laneIds.map(openLane) };
        let at = steps.length + 10;
        const finish = (laneId: string, makeEvent: (round: number) => LaneEvent): void => {
          const round = cause.lanes.find((lane) => lane.laneId === laneId)?.round ?? 0;
          cause = onLane(cause, laneId, makeEvent(round)).cause;
        };
        for (const laneId of laneIds) {
          finish(laneId, (round) => ({ kind: 'cut', round, at: (at += 1) }));
          finish(laneId, (round) => ({ kind: 'conclude', round, state: 'proved', at: (at += 1) }));
        }
        for (const laneId of laneIds) finish(laneId, (round) => ({ kind: 'last-probe', round, begunAt: (at += 1) }));
        expect(isProved(cause)).toBe(true);
      }),
    );
  });
});
