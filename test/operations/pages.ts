import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { LaneLife } from '../../src/core/obligation.ts';
import { packageRoot } from '../../src/runtime/package-root.ts';
import type { Figures } from './figures.ts';

const folder = join(packageRoot, 'docs', 'operations');

export interface Looked {
  readonly title: string;
  readonly expr: string;
}

export interface Alert extends Looked {
  readonly severity: string;
  readonly summary: string;
  readonly runbook: string;
  /** For how long it has to hold. */
  readonly forMs: number;
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
    rules.map(({ alert, expr, labels, annotations, for: held = '0s' }) => ({
      title: alert,
      expr,
      severity: labels.severity,
      summary: annotations.summary,
      runbook: annotations.runbook_url,
      forMs: Number.parseInt(held, 10) * ({ s: 1_000, m: 60_000, h: 3_600_000 }[held.at(-1) ?? 's'] ?? 1_000),
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

export interface Wanted {
  readonly figure: string;
  readonly label: string;
  /** Absent where a query takes any, or asks by a pattern. */
  readonly value?: string;
}

/** Every label by which a query chooses or sums, but for those that Prometheus or the bucket of a histogram adds. */
export function labelsIn(expr: string): readonly Wanted[] {
  const chosen = [...expr.matchAll(/\b([a-z]+_[a-z0-9_]+)\{([^}]*)\}/g)].flatMap(([, figure = '', selector = '']) =>
    [...selector.matchAll(/([a-z_]+)(=~|=)"([^"]*)"/g)].map(([, label = '', how, value = '']) => ({
      figure,
      label,
      ...(how === '=' ? { value } : {}),
    })),
  );
  const summed = [...expr.matchAll(/\bby \(([a-z_, ]+)\)/g)].flatMap(([, labels = '']) => labels.split(', '));
  const figures = [...expr.matchAll(/\bestop_[a-z0-9_]+/g)].map(([name]) => name);
  return [...chosen, ...figures.flatMap((figure) => summed.map((label) => ({ figure, label })))].filter(
    ({ label }) => !['le', 'instance', 'process'].includes(label),
  );
}

/** Values that a label takes for a moment, which nothing may have just then. */
const passing: Readonly<Record<string, readonly LaneLife['state'][]>> = { state: ['open'] };

/** Of figures that have samples: what no figure has ever shown says nothing of its labels. */
export const unknownLabels = (queries: readonly Looked[], samples: Figures['samples']): readonly string[] =>
  queries.flatMap(({ title, expr }) =>
    labelsIn(expr)
      .filter(({ figure }) => samples.some(({ name }) => name === figure))
      .map(({ figure, label, value }) => ({
        figure,
        having:
          value === undefined || passing[label]?.some((one) => one === value) ? `${label}="` : `${label}="${value}"`,
      }))
      .filter(({ figure, having }) => !samples.some(({ name, labels }) => name === figure && labels.includes(having)))
      .map(({ figure, having }) => `${title}: ${figure} ${having}`),
  );
