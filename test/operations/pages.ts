import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { packageRoot } from '../../src/runtime/package-root.ts';

const folder = join(packageRoot, 'docs', 'operations');

export interface Looked {
  readonly title: string;
  readonly expr: string;
}

export interface Alert extends Looked {
  readonly severity: string;
  readonly summary: string;
  readonly runbook: string;
}

const Rules = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string(),
          expr: z.string(),
          for: z
            .string()
            .regex(/^\d+[smh]$/)
            .optional(),
          labels: z.strictObject({ severity: z.enum(['warning', 'critical']) }),
          annotations: z.strictObject({ summary: z.string(), runbook_url: z.string() }),
        }),
      ),
    }),
  ),
});

export const alerts = (): readonly Alert[] =>
  Rules.parse(parse(readFileSync(join(folder, 'alerts.yaml'), 'utf8'))).groups.flatMap(({ rules }) =>
    rules.map(({ alert, expr, labels, annotations }) => ({
      title: alert,
      expr,
      severity: labels.severity,
      summary: annotations.summary,
      runbook: annotations.runbook_url,
    })),
  );

const Dashboard = z.looseObject({
  panels: z.array(
    z.looseObject({
      title: z.string(),
      type: z.string(),
      targets: z.array(z.looseObject({ expr: z.string() })).optional(),
    }),
  ),
});

export const dashboardPanels = (): readonly Looked[] =>
  Dashboard.parse(JSON.parse(readFileSync(join(folder, 'dashboard.json'), 'utf8'))).panels.flatMap(
    ({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })),
  );

/** By file name without its ending. */
export const runbooks = (): ReadonlyMap<string, string> =>
  new Map(
    readdirSync(join(folder, 'runbooks')).map((file) => [
      file.replace(/\.md$/, ''),
      readFileSync(join(folder, 'runbooks', file), 'utf8'),
    ]),
  );

/** Every figure that a query reads, under the name by which it is described. */
export const figuresIn = (expr: string): readonly string[] =>
  [...expr.matchAll(/\b((?:estop|nodejs|process|temporal)_[a-z0-9_]+)/g)].map(([, name = '']) =>
    name.replace(/_bucket$/, ''),
  );
