import { describe, expect, it } from 'vitest';
import { alerts, dashboardPanels, figuresIn, runbooks } from './pages.ts';

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

  it('finds the figures of a query', () => {
    expect(
      figuresIn('histogram_quantile(0.9, sum by (le) (rate(estop_a_seconds_bucket{x="estop"}[5m]))) > process_b_total'),
    ).toEqual(['estop_a_seconds', 'process_b_total']);
  });
});
