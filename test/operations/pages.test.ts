import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/runtime/config/load-config.ts';
import { alerts, dashboardPanels, figuresIn, labelsIn, runbooks } from './pages.ts';

describe('the alerts and their runbooks', () => {
  it('are one to one', () => {
    const names = alerts().map(({ title }) => title);
    expect(new Set(names).size).toBe(names.length);
    expect([...runbooks().keys()].toSorted()).toEqual(names.toSorted());
  });

  it.each(alerts())(
    '$title: its runbook is linked, shows its query, and says what to do',
    ({ title, expr, summary, runbook }) => {
      expect(runbook).toBe(`docs/operations/runbooks/${title}.md`);
      const text = runbooks().get(title) ?? '';
      expect(text).toContain(`\`\`\`promql\n${expr}\n\`\`\``);
      expect(text).toContain(summary);
      for (const part of ['## What it means', '## Where to look', '## What to do'])
        expect(text).toMatch(new RegExp(`${part}\\n\\n\\S`));
    },
  );

  it.each([...alerts(), ...dashboardPanels()])('$title looks at a figure', ({ expr }) => {
    expect(figuresIn(expr).length).toBeGreaterThan(0);
  });

  it('a call that nobody decides is told of before it expires as estop.yaml has it where nothing is said', () => {
    const read = parseConfig(
      'environment: test\nagents: { bot: { owner: ada, stopHolder: grace, model: m } }\nmodels: { m: { provider: anthropic, model: a, apiKey: { env: K } } }',
    );
    const ttlMs = read.ok ? read.config.agents[0]?.limits.approvalTtlMs : undefined;
    const waits = alerts().find(({ title }) => title === 'EstopApprovalWaits');
    const afterMs = Number(/> (\d+)$/.exec(waits?.expr ?? '')?.[1]) * 1_000 + (waits?.forMs ?? 0);
    // Time to find somebody, too.
    expect(afterMs).toBeLessThan((ttlMs ?? 0) * 0.8);
  });

  it('finds the figures of a query', () => {
    expect(
      figuresIn('histogram_quantile(0.9, sum by (le) (rate(estop_a_seconds_bucket{x="estop"}[5m]))) > process_b_total'),
    ).toEqual(['estop_a_seconds', 'process_b_total']);
  });

  it('finds the labels of a query', () => {
    expect(
      labelsIn('sum by (le, round) (rate(estop_a_seconds_bucket{x="failed",y=~"5.."}[5m])) / up{instance="a"} > 0'),
    ).toEqual([
      { figure: 'estop_a_seconds_bucket', label: 'x', value: 'failed' },
      { figure: 'estop_a_seconds_bucket', label: 'y' },
      { figure: 'estop_a_seconds_bucket', label: 'round' },
    ]);
  });
});
