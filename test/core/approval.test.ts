import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ApprovalEvent, type ApprovalLife, onApproval } from '../../src/core/approval.ts';
import { namesOf } from '../../src/core/mandate.ts';

const requester = 'rita';
const anyEvent: fc.Arbitrary<ApprovalEvent> = fc.oneof(
  fc.record({
    kind: fc.constant('decide' as const),
    decision: fc.constantFrom('approved' as const, 'denied' as const),
    actor: fc.constantFrom(requester, 'anna', 'olga', 'rita-at-home'),
  }),
  fc.record({
    kind: fc.constant('redeem' as const),
    call: fc.constantFrom('allow' as const, 'stopped' as const, 'task-closed' as const, 'held' as const),
  }),
  fc.constant({ kind: 'close' as const }),
);
/** [event, how much later, dead by then] */
const histories = fc.array(fc.tuple(anyEvent, fc.integer({ min: 0, max: 3 }), fc.boolean()), {
  maxLength: 25,
  size: 'max',
});

interface Walked {
  readonly event: ApprovalEvent;
  readonly answer: string;
  readonly now: number;
  readonly dead: boolean;
  readonly after: ApprovalLife;
}

function walk(steps: readonly (readonly [ApprovalEvent, number, boolean])[]): readonly Walked[] {
  let approval: ApprovalLife = {
    state: 'pending',
    approvers: 1,
    requestedBy: requester,
    barred: ['Olga'],
    expiresAt: 20,
  };
  let now = 0;
  return steps.map(([raw, later, dead]) => {
    const event = raw.kind === 'decide' && raw.actor === 'rita-at-home' ? { ...raw, names: ['Rita'] } : raw;
    now += later;
    const { approval: after, answer } = onApproval(approval, event, now, dead);
    approval = after;
    return { event, answer, now, dead, after };
  });
}

describe('an approval', () => {
  it('admits at most one call, and only after somebody else than the requester approved it while nothing had stopped it', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const walked = walk(steps);
        const allowed = walked.filter(({ event, answer }) => event.kind === 'redeem' && answer === 'allow');
        expect(allowed.length).toBeLessThanOrEqual(1);
        const [call] = allowed;
        if (call === undefined) return;
        const earlier = walked.slice(0, walked.indexOf(call));
        const approved = earlier.filter(
          ({ event, answer }) => event.kind === 'decide' && event.decision === 'approved' && answer === 'decided',
        );
        expect(approved).toHaveLength(1);
        expect(approved[0]).toMatchObject({ event: { actor: 'anna' }, dead: false });
        expect(call.now).toBeLessThan(20);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is not reopened by anything once it is denied, expired, closed or redeemed', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        let over: string | undefined;
        for (const { after, answer } of walk(steps)) {
          if (over !== undefined) expect(after.state).toBe(over);
          if (over !== undefined) expect(['decided', 'allow']).not.toContain(answer);
          if (after.state !== 'pending' && after.state !== 'approved') over = after.state;
        }
      }),
    );
  });

  it('is given back by a hold, and ended by a stop', () => {
    const approval: ApprovalLife = { state: 'approved', approvers: 1, requestedBy: requester, expiresAt: 20 };
    expect(onApproval(approval, { kind: 'redeem', call: 'held' }, 1, false).approval.state).toBe('approved');
    expect(onApproval(approval, { kind: 'redeem', call: 'stopped' }, 1, true).approval.state).toBe('closed');
  });

  it('given by somebody else admits the call', () => {
    const asked: ApprovalLife = { state: 'pending', approvers: 1, requestedBy: requester, expiresAt: 20 };
    const { approval } = onApproval(asked, { kind: 'decide', decision: 'approved', actor: 'anna' }, 1, false);
    expect(onApproval(approval, { kind: 'redeem', call: 'allow' }, 2, false).answer).toBe('allow');
  });

  it('can be denied by whoever asked', () => {
    const approval: ApprovalLife = { state: 'pending', approvers: 1, requestedBy: requester, expiresAt: 20 };
    expect(onApproval(approval, { kind: 'decide', decision: 'denied', actor: requester }, 1, false).answer).toBe(
      'decided',
    );
    expect(onApproval(approval, { kind: 'decide', decision: 'approved', actor: requester }, 1, false).answer).toBe(
      'not-eligible',
    );
  });
});

describe('the names of one person', () => {
  it('are all that lead from one to the next, whichever they come under', () => {
    const persons = {
      ada: ['Ada@example.org', 'ops'],
      grace: ['ops', 'grace@example.org'],
      bert: ['bert@example.org'],
    };
    for (const name of ['ada', 'ADA@example.org', 'grace@example.org'])
      expect([...namesOf([name], persons)].sort()).toEqual([
        'ada',
        'ada@example.org',
        'grace',
        'grace@example.org',
        'ops',
      ]);
    expect([...namesOf(['eve', 'Eve'], persons)]).toEqual(['eve']);
  });
});
