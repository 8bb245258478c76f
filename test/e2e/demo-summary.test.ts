import { describe, expect, it } from 'vitest';
import { complaintsOf, type Findings, summaryLines, summaryOf } from '../../examples/demo/summary.ts';
import { StopView } from '../../src/contract/http/stops.ts';

const sentAt = Date.parse('2026-11-20T00:00:00.000Z');
const instant = (ms: number): string => new Date(sentAt + ms).toISOString();

function findings(fencedMs: number | undefined, callsMs: readonly number[]): Findings {
  const stages = ['latched', 'fenced', 'halted', 'revoked', 'proved'].map((stage) => {
    const ms = stage === 'fenced' ? fencedMs : 5;
    return { stage, at: ms === undefined ? null : instant(ms), afterMs: ms ?? null };
  });
  const view = StopView.parse({
    stopId: 'stop_dev_01h2xcejqtf2nbrexx3vqjhp41',
    epoch: 1,
    scopeKey: 'agent:billing-bot',
    scopeKnown: true,
    alsoStoppedBy: [],
    category: 0,
    graceMs: 0,
    reason: '',
    actor: 'olga',
    method: 'api',
    inForce: true,
    reached: fencedMs === undefined ? 'latched' : 'proved',
    evidence: null,
    stages,
    obligations: {
      total: 1,
      open: 0,
      revoked: 1,
      proved: 1,
      residual: 0,
      acceptedRisk: 0,
      needsHuman: 0,
      uncovered: 0,
    },
    possiblyCompleted: 0,
    residualUntil: null,
    reset: null,
    tasks: { covered: 1, halted: 1 },
    gateways: [],
    lanes: [],
    lanesTruncated: false,
    calls: [],
    workflow: { workflowId: 'w', namespace: 'estop-control', url: null },
  });
  return {
    view,
    sentAt,
    hung: { connector: 'crm', mendedAt: undefined },
    reports: new Map(),
    toolCallsAt: callsMs.map((ms) => sentAt + ms),
    stillRunning: [],
    secondGenerationUntouched: true,
  };
}

describe('the summary of the demo', () => {
  it('counts the tool calls that arrived after the stop was fenced, and complains of each', () => {
    const found = findings(10, [2, 9, 11, 40]);
    expect(summaryOf(found, complaintsOf(found))).toMatchObject({ ok: false, toolCallsAfterFenced: 2 });
    const good = findings(10, [2, 9]);
    expect(summaryOf(good, complaintsOf(good))).toMatchObject({ ok: true, toolCallsAfterFenced: 0 });
  });

  it('has no figure for calls after fenced where the stop never was fenced, and is no success', () => {
    const found = findings(undefined, [2, 9, 11, 40]);
    const complaints = complaintsOf(found);
    expect(summaryOf(found, complaints)).toMatchObject({ ok: false, fencedMs: null, toolCallsAfterFenced: null });
    expect(summaryLines(found, complaints, null).join('\n')).toContain('not counted, since it never was fenced');
  });
});
