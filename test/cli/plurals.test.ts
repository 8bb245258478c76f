import pc from 'picocolors';
import { expect, it } from 'vitest';
import { judgeCertificate } from '../../src/cli/doctor/examine.ts';
import { stageLines } from '../../src/cli/stop-lines.ts';
import { judgeStop } from '../../src/cli/stop-verdict.ts';
import type { StopView } from '../../src/contract/http/stops.ts';
import { plural } from '../../src/contract/plural.ts';

const nothing = { total: 0, open: 0, revoked: 0, proved: 0, residual: 0, acceptedRisk: 0, needsHuman: 0, uncovered: 0 };
const stages = (['latched', 'fenced', 'halted', 'revoked', 'proved'] as const).map((stage) => ({
  stage,
  at: stage === 'revoked' || stage === 'proved' ? null : '2026-11-20T00:00:00Z',
  afterMs: stage === 'revoked' || stage === 'proved' ? null : 1,
}));
const stop = (more: Partial<StopView>): StopView => ({
  stopId: 's',
  epoch: 1,
  scopeKey: 'fleet',
  category: 0,
  graceMs: 0,
  reason: '',
  actor: '',
  method: '',
  inForce: true,
  reached: 'halted',
  evidence: null,
  stages,
  obligations: nothing,
  possiblyCompleted: 0,
  residualUntil: null,
  reset: null,
  scopeKnown: true,
  alsoStoppedBy: [],
  tasks: { covered: 0, halted: 0 },
  gateways: [],
  lanes: [],
  lanesTruncated: false,
  calls: [],
  workflow: { workflowId: '', namespace: '', url: null },
  ...more,
});

it('one is one, and none and many are many', () => {
  expect([0, 1, 2].map((count) => plural(count, 'try', 'tries'))).toEqual(['0 tries', '1 try', '2 tries']);
});

it('the lines of a stop speak of one as of one', () => {
  const said = (more: Partial<StopView>): string => stageLines(stop(more), pc.createColors(false)).join('\n');
  const one = said({
    tasks: { covered: 1, halted: 1 },
    possiblyCompleted: 1,
    obligations: { ...nothing, uncovered: 1 },
  });
  for (const line of ['1 of 1 task closed', '1 call possibly completed', '1 credential found, none acted on'])
    expect(one).toContain(line);
  const two = said({
    tasks: { covered: 2, halted: 1 },
    possiblyCompleted: 2,
    obligations: { ...nothing, uncovered: 2 },
  });
  for (const line of ['1 of 2 tasks closed', '2 calls possibly completed', '2 credentials found, none acted on'])
    expect(two).toContain(line);
  expect(said({})).toMatch(/halted .* no open task found/);
});

it('what is left of a stop is said of one as of one', () => {
  const why = (needsHuman: number, residual: number): unknown =>
    Reflect.get(
      judgeStop(stop({ obligations: { ...nothing, total: 5, open: needsHuman, needsHuman, residual } })),
      'why',
    );
  expect(why(1, 1)).toBe('1 of 5 needs a person; 1 of 5 ends only at a later time');
  expect(why(2, 2)).toBe('2 of 5 need a person; 2 of 5 end only at a later time');
});

it('a certificate that is good for one day, or one hour, is so for one', () => {
  const hour = 3_600_000;
  const said = (hours: number): string =>
    judgeCertificate('x', { from: new Date(0), until: new Date(hours * hour) }, 0).says;
  expect([said(24), said(72), said(1), said(3)].map((line) => line.replace(/^x: /, ''))).toEqual([
    'good for 1 more day',
    'good for 3 more days',
    'good for 1 more hour',
    'good for 3 more hours',
  ]);
});
