import { describe, expect, it } from 'vitest';
import { conductOf } from '../../src/gateway/call/conduct-of.ts';
import type { Denial, DenialReason, Facts } from '../../src/gateway/passage.ts';

const claims = { agentId: 'bot' } as NonNullable<Facts['claims']>; // nothing else of it is looked at
const of = (facts: Partial<Facts>, denial?: Denial, kind: 'tool-call' | 'model' = 'tool-call') =>
  conductOf({ asked: { kind }, facts }, denial);
const denied = (reason: DenialReason): Denial => ({ kind: 'denied', reason });

describe('what a request says of its agent', () => {
  it('is nothing where nobody knows whose it is, where it was asked of a person, and where the agent is not to blame', () => {
    expect(of({}, denied('tool-not-available'))).toBeUndefined();
    expect(of({ claims }, { kind: 'needs-approval', approvalId: 'a', expiresAt: 'b' })).toBeUndefined();
    expect(of({ claims }, { kind: 'stopped', stopId: 's', mayHaveCompleted: false })).toBeUndefined();
    expect(of({ claims }, { kind: 'unavailable', code: 'store-unavailable' })).toBeUndefined();
    for (const reason of ['task-held', 'upstream-unavailable', 'tool-changed', 'unwatched', 'internal'] as const)
      expect(of({ claims }, denied(reason))).toBeUndefined();
  });

  it('is a denial, out of bounds where its configuration gives it no such thing', () => {
    expect(of({ claims }, denied('denied-by-policy'))).toMatchObject({
      denied: true,
      beyond: false,
      made: false,
      risk: 2,
    });
    expect(of({ claims }, denied('tool-not-available'))).toMatchObject({ denied: true, beyond: true });
    expect(of({ claims }, { kind: 'not-served' })).toMatchObject({ denied: true, beyond: true });
    expect(of({ claims }, denied('over-budget'))).toMatchObject({ denied: true, overBudget: true, beyond: false });
  });

  it('is a call with its failure, its risk and its price; the worst price where the provider says none', () => {
    const made: Partial<Facts> = { claims, admitted: true, outcome: 'completed' };
    expect(of({ ...made, tier: 'read' })).toMatchObject({ made: true, failed: false, denied: false, risk: 0 });
    expect(of({ ...made, tier: 'destructive' })).toMatchObject({ risk: 5 });
    expect(of(made)).toMatchObject({ risk: 5 });
    expect(of({ ...made, outcome: 'possibly-completed' }, denied('possibly-completed'))).toMatchObject({
      made: true,
      failed: true,
      denied: false,
    });
    const reply = { kind: 'result', result: { isError: true } };
    const end = { kind: 'replied', reply } as unknown as NonNullable<Facts['end']>; // the rest is not looked at
    expect(of({ ...made, end })).toMatchObject({ failed: true });
    expect(of({ ...made, outcome: 'denied' })).toBeUndefined();
    const worst = { calls: 1, tokens: 9, microcents: 900 };
    expect(of({ ...made, worst }, undefined, 'model')).toMatchObject({ microcents: 900, risk: 0 });
    expect(of({ ...made, worst, used: { ...worst, microcents: 30 } }, undefined, 'model')).toMatchObject({
      microcents: 30,
    });
  });
});
