import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { directCommand } from '../../src/cli/direct-command.ts';
import { parseDuration, spellOutWait } from '../../src/cli/duration-option.ts';
import { eventLine } from '../../src/cli/event-line.ts';
import { exitCodeOf } from '../../src/cli/exit-code.ts';
import { verdictLine } from '../../src/cli/follow-stop.ts';
import { stageLines } from '../../src/cli/stop-lines.ts';
import { exitCodeOfVerdict, isWaitingVain, judgeStop } from '../../src/cli/stop-verdict.ts';
import { duration, exact, relative } from '../../src/cli/when.ts';
import type { StopView } from '../../src/contract/http/stops.ts';
import { type ErrorCode, errorCatalogue } from '../../src/core/errors.ts';

const stages = ['latched', 'fenced', 'halted', 'revoked', 'proved'] as const;

function stopAt(
  reached: readonly string[],
  counts: Partial<StopView['obligations']> = {},
  residualUntil: string | null = null,
): StopView {
  return {
    stopId: 's',
    epoch: 1,
    scopeKey: 'fleet',
    category: 0,
    graceMs: 0,
    reason: '',
    actor: '',
    method: '',
    inForce: true,
    reached: 'latched',
    evidence: null,
    stages: stages.map((stage) => ({
      stage,
      at: reached.includes(stage) ? '2026-11-20T00:00:00Z' : null,
      afterMs: reached.includes(stage) ? 1 : null,
    })),
    obligations: {
      total: 0,
      open: 0,
      revoked: 0,
      proved: 0,
      residual: 0,
      acceptedRisk: 0,
      needsHuman: 0,
      uncovered: 0,
      ...counts,
    },
    possiblyCompleted: 0,
    residualUntil,
    reset: null,
    scopeKnown: true,
    alsoStoppedBy: [],
    tasks: { covered: 0, halted: 0 },
    gateways: [],
    lanes: [],
    lanesTruncated: false,
    calls: [],
    workflow: { workflowId: '', namespace: '', url: null },
  };
}

describe('what a stop may be called', () => {
  it.each([
    ['proved, by the ledger', stopAt(stages), 'proved', 0],
    ['proved, of a name that is nobody’s', { ...stopAt(stages), scopeKnown: false }, 'names-nobody', 5],
    ['proved, of a name of which nobody knows whose it is', { ...stopAt(stages), scopeKnown: null }, 'partial', 3],
    [
      'everything but the last probe',
      stopAt(['latched', 'fenced', 'halted', 'revoked'], { total: 3, revoked: 3, proved: 0 }),
      'latched',
      6,
    ],
    [
      'a residual, and another lane that is still being tried',
      stopAt(['latched', 'fenced', 'halted'], { total: 2, open: 1, residual: 1 }, '2026-11-20T01:00:00Z'),
      'latched',
      6,
    ],
    [
      'one lane is still being tried',
      stopAt(['latched', 'fenced', 'halted'], { total: 2, open: 1, proved: 1 }),
      'latched',
      6,
    ],
    [
      'the only open lane needs a person',
      stopAt(['latched', 'fenced', 'halted'], { total: 2, open: 1, proved: 1, needsHuman: 1 }),
      'partial',
      3,
    ],
    [
      'a token lives on until its end',
      stopAt(['latched', 'fenced', 'halted', 'revoked'], { total: 1, revoked: 1, residual: 1 }, '2026-11-20T01:00:00Z'),
      'partial',
      3,
    ],
    [
      'everything is final, and a person answers for a part of it',
      stopAt(stages, { total: 2, revoked: 2, proved: 1, acceptedRisk: 1 }),
      'accepted-risk',
      3,
    ],
    [
      'the ledger says that the proof rests on an accepted risk, whatever the counts say',
      { ...stopAt(stages, { total: 2, revoked: 2, proved: 2 }), evidence: 'accepted-risk' },
      'accepted-risk',
      3,
    ],
    ['stuck, but not fenced yet', stopAt(['latched', 'halted'], { total: 1, open: 1, needsHuman: 1 }), 'latched', 6],
    [
      'stuck, but a credential has no lane yet',
      stopAt(['latched', 'fenced', 'halted'], { total: 1, open: 1, needsHuman: 1, uncovered: 1 }),
      'latched',
      6,
    ],
  ])('%s', (_what, stop, kind, code) => {
    const verdict = judgeStop(stop);
    expect([verdict.kind, exitCodeOfVerdict(verdict)]).toEqual([kind, code]);
  });

  it('a proof that rests on an accepted risk says how many, and never that everything is dead', () => {
    const paint = pc.createColors(false);
    const risky = { ...stopAt(stages, { total: 3, proved: 2, acceptedRisk: 1 }), evidence: 'accepted-risk' };
    const line = verdictLine(judgeStop(risky), paint);
    expect(line).not.toContain('everything');
    expect(line).toContain('1 of 3 accepted as a risk');
    expect(stageLines(risky, paint).at(-1)).toContain('2 of 3 proved, 1 accepted as a risk');
    expect(verdictLine(judgeStop(stopAt(stages)), paint)).toContain('everything under this stop is dead');
  });

  it('a stage says what is known of it, and never that there is nothing while it was not looked at', () => {
    const paint = pc.createColors(false);
    const lines = (counts: Partial<StopView['obligations']>) => stageLines(stopAt(['latched'], counts), paint);
    expect(lines({ total: 0, uncovered: 9 }).at(-2)).toContain('9 credentials found, none acted on');
    expect(lines({ total: 0, uncovered: 0 }).slice(-2).join()).toMatch(/no credential found.*a last look is to come/s);
    expect(lines({ total: 2 }).at(-2)).toContain('0 of 2 acted on');
  });

  it('waiting is vain only when nothing is left but a date beyond the wait', () => {
    const residual = stopAt(
      ['latched', 'fenced', 'halted', 'revoked'],
      { total: 1, revoked: 1, residual: 1 },
      '2026-11-20T01:00:00Z',
    );
    const at = (iso: string): number => Date.parse(iso);
    expect(isWaitingVain(residual, at('2026-11-20T00:30:00Z'))).toBe(true);
    expect(isWaitingVain(residual, at('2026-11-20T01:30:00Z'))).toBe(false);
    expect(
      isWaitingVain(
        stopAt(
          ['latched', 'fenced', 'halted'],
          { total: 2, open: 1, needsHuman: 1, residual: 1 },
          '2026-11-20T01:00:00Z',
        ),
        at('2026-11-20T00:30:00Z'),
      ),
    ).toBe(false);
  });
});

describe('exit codes', () => {
  it('every error of the catalogue has one, and no error has 0', () => {
    for (const code of Object.keys(errorCatalogue) as ErrorCode[])
      expect([1, 2, 3, 4, 5, 7]).toContain(exitCodeOf(code));
  });

  it('what HTTP calls 401, 403 and 404 is 4, 4 and 5', () => {
    for (const [code, { status }] of Object.entries(errorCatalogue) as [ErrorCode, { status: number }][]) {
      if (status === 401 || status === 403) expect([code, exitCodeOf(code)]).toEqual([code, 4]);
      if (status === 404) expect([code, exitCodeOf(code)]).toEqual([code, 5]);
    }
  });
});

describe('the line that is printed when nothing answers', () => {
  it('survives any shell-hostile reason', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...' \'"`$\\;|&<>()*?[]{}~#!\n=abc') }), (reason) => {
        const line = directCommand({ scopeWords: ['agent', 'a'], stopId: 's', category: 1, graceMs: 2_000, reason });
        const words = execFileSync('sh', ['-c', `printf '%s\\0' ${line.replace(/^estop /, '')}`])
          .toString()
          .split('\0')
          .slice(0, -1);
        expect(words).toEqual([
          'stop',
          'agent',
          'a',
          '--direct',
          '--stop-id',
          's',
          '--yes',
          '--category',
          '1',
          '--grace',
          '2000ms',
          ...(reason === '' ? [] : ['--reason', reason]),
        ]);
      }),
      { numRuns: 40 },
    );
  });
});

describe('an event on a terminal', () => {
  const at = new Date('2026-11-20T12:00:01Z');
  it.each([
    [
      'stop',
      { scopeKey: 'agent:a', reached: 'fenced', inForce: true, stopId: 's', reason: 'x\u001b[2J' },
      '12:00:01Z  stop        agent:a  fenced  s  x<U+001B>[2J',
    ],
    [
      'stop',
      { scopeKey: 'fleet', reached: 'proved', inForce: false, stopId: 's' },
      '12:00:01Z  stop        fleet  reset  s',
    ],
    [
      'obligation',
      { connector: 'crm', target: 'c\nx', state: 'open', obligationId: 'o', needsHuman: 'no key' },
      '12:00:01Z  obligation  crm c<U+000A>x  open  o  no key',
    ],
    [
      'task',
      { agentId: 'a', state: 'closed', outcome: 'done', taskId: 't' },
      '12:00:01Z  task        a  closed (done)  t',
    ],
    [
      'approval',
      { tool: 'bank/pay', state: 'closed', approvalId: 'p', stoppedBy: 's' },
      '12:00:01Z  approval    bank/pay  closed  p  s',
    ],
    ['task', { agentId: 'a', state: 'running', stoppedBy: 's', taskId: 't' }, '12:00:01Z  task        a  stopping  t'],
    ['task', { agentId: 'a', state: 'running', held: true, taskId: 't' }, '12:00:01Z  task        a  running, held  t'],
    ['task', null, '12:00:01Z  task'],
  ] as const)('%s %j', (name, data, line) => {
    expect(eventLine({ id: '1', name, data }, at).replace(/ +$/, '')).toBe(line);
  });
});

describe('durations and times', () => {
  it.each([
    ['30s', 30_000],
    ['500ms', 500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['7', 7_000],
  ])('%s', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(['', 's', '-1s', '1.5s', '1d', '30 s', '9999999s', 'Infinity'])('%j is no duration', (text) =>
    expect(() => parseDuration(text)).toThrow(),
  );

  it('a bare --wait takes no word for its duration that is none', () => {
    expect(spellOutWait(['stop', '--wait', 'agent', 'a'])).toEqual(['stop', '--wait=30s', 'agent', 'a']);
    expect(spellOutWait(['stop', 'agent', 'a', '--wait'])).toEqual(['stop', 'agent', 'a', '--wait=30s']);
    expect(spellOutWait(['stop', 'agent', 'a', '--wait', '10s'])).toEqual(['stop', 'agent', 'a', '--wait', '10s']);
  });

  it('are relative and exact', () => {
    const now = Date.parse('2026-11-20T12:00:00Z');
    expect(relative('2026-11-20T11:59:57Z', now)).toBe('3 s ago');
    expect(relative('2026-11-20T12:02:00Z', now)).toBe('in 2 min');
    expect(relative('2026-11-20T12:00:00.400Z', now)).toBe('now');
    expect(exact('2026-11-20T11:59:57.123456Z', now)).toBe('2026-11-20 11:59:57Z (2 s ago)');
    expect(relative('garbage', now)).toBe('?');
    expect([duration(12), duration(1_234), duration(200_000)]).toEqual(['12 ms', '1.2 s', '3 min 20 s']);
  });
});
