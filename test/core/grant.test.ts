import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GrantEvent, type GrantLife, type GrantView, intended, onGrant } from '../../src/core/grant.ts';

const anyView: fc.Arbitrary<GrantView> = fc.record({
  dead: fc.boolean(),
  taskClosed: fc.boolean(),
  taskHeld: fc.boolean(),
  pastEnd: fc.boolean(),
});
const anyEvent: fc.Arbitrary<GrantEvent> = fc
  .constantFrom('recheck', 'answered', 'hand-over', 'wipe')
  .map((kind) => ({ kind }));
const histories = fc.array(fc.tuple(anyEvent, anyView), { maxLength: 30, size: 'max' });

function* walk(steps: readonly (readonly [GrantEvent, GrantView])[]): Generator<{
  readonly before: GrantLife;
  readonly after: GrantLife;
  readonly event: GrantEvent;
  readonly view: GrantView;
  readonly answer: string;
}> {
  let before = intended;
  for (const [event, view] of steps) {
    const { grant: after, answer } = onGrant(before, event, view);
    yield { before, after, event, view, answer };
    before = after;
  }
}

describe('a grant', () => {
  it('is never handed over, issued or asked for while it is dead or its task is closed', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        for (const { view, answer } of walk(steps)) {
          if (view.dead || view.taskClosed) expect(['issue', 'issued', 'handed-over']).not.toContain(answer);
        }
      }),
    );
  });

  it('is called never-issued only if the issuer was never asked', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        let asked = false;
        for (const { after, answer } of walk(steps)) {
          asked ||= answer === 'issue' || after.state === 'issued';
          if (after.state === 'ended' && after.why === 'never-issued') expect(asked).toBe(false);
        }
      }),
    );
  });

  it('that is dead says so, whatever else is the matter', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        for (const { before, event, view, answer } of walk(steps)) {
          if (event.kind === 'hand-over' && before.state === 'issued' && view.dead && !view.pastEnd)
            expect(answer).toBe('stopped');
        }
      }),
    );
  });

  it('that was issued is on record until it is wiped, also if it was dead by then', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        for (const { before, after, event } of walk(steps)) {
          if (before.state === 'intended' && event.kind === 'answered') expect(after.state).toBe('issued');
          if (before.state === 'issued' && event.kind !== 'wipe') expect(after.state).toBe('issued');
        }
      }),
    );
  });

  it('that has ended stays so, and its mint is told', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        for (const { before, after, event, answer } of walk(steps)) {
          if (before.state !== 'ended') continue;
          expect(after).toBe(before);
          if (event.kind === 'answered') expect(answer).toBe('ended');
        }
      }),
    );
  });
});
