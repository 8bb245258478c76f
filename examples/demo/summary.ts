import type { StopView } from '../../src/contract/http/stops.ts';
import type { HijackedReport } from './hijacked-agent.ts';

export interface Findings {
  readonly view: StopView;
  readonly sentAt: number;
  /** The system that was made to hang, and when it answered again: nothing else may have waited for it. */
  readonly hung: { readonly connector: string; readonly mendedAt: number | undefined };
  readonly reports: ReadonlyMap<string, HijackedReport>;
  /** When calls of covered tasks reached the upstream MCP server, by its own log. */
  readonly toolCallsAt: readonly number[];
  /** Workflows of covered tasks that Temporal itself says are still running. */
  readonly stillRunning: readonly string[];
  readonly secondGenerationUntouched: boolean;
}

/** Everything that keeps this run from being called a success, each a sentence. None: everything was proved. */
export function complaintsOf(findings: Findings): readonly string[] {
  const { view, sentAt } = findings;
  const complaints: string[] = [];
  for (const stage of view.stages) if (stage.at === null) complaints.push(`The stop never became ${stage.stage}.`);
  for (const lane of view.lanes) {
    if (lane.state !== 'proved')
      complaints.push(
        `${lane.connector} (${lane.target}) is ${lane.state}, not proved${lane.lastError === null ? '.' : `: ${lane.lastError}`}`,
      );
    const report = reportOf(findings, lane.connector, lane.agentId);
    if (lane.provedAt !== null && report?.lastSuccessAt != null && report.lastSuccessAt > Date.parse(lane.provedAt)) {
      complaints.push(
        `${lane.connector} was reported proved after ${Date.parse(lane.provedAt) - sentAt} ms, but the hijacked loop still succeeded ${report.lastSuccessAt - sentAt} ms after the stop.`,
      );
    }
  }
  complaints.push(...delayedByTheHung(findings));
  if (view.obligations.total === 0) complaints.push('There was nothing to revoke: the agent never got a credential.');
  for (const [label, report] of findings.reports)
    if (report.successes === 0)
      complaints.push(`The hijacked loop never succeeded at ${label}, so nothing was shown there.`);
  const late = toolCallsAfterFenced(findings);
  if (late !== null && late > 0)
    complaints.push(`${late} tool calls reached the MCP server after the stop was reported fenced.`);
  if (findings.stillRunning.length > 0)
    complaints.push(
      `Temporal still runs ${findings.stillRunning.length} workflow(s) of stopped tasks: ${findings.stillRunning.join(', ')}.`,
    );
  if (!findings.secondGenerationUntouched)
    complaints.push('The old revocation touched a credential of the re-created agent.');
  return complaints;
}

function delayedByTheHung({ view, hung: { connector, mendedAt } }: Findings): readonly string[] {
  if (mendedAt === undefined) return [];
  return view.lanes
    .filter((lane) => lane.connector !== connector && lane.provedAt !== null && Date.parse(lane.provedAt) > mendedAt)
    .map((lane) => `${lane.connector} (${lane.target}) was proved only once ${connector}, which hung, answered again.`);
}

export function summaryOf(findings: Findings, complaints: readonly string[]) {
  const { view, sentAt } = findings;
  const since = (instant: string | null | undefined): number | null =>
    instant == null ? null : Date.parse(instant) - sentAt;
  const stage = (name: string): number | null => since(view.stages.find((entry) => entry.stage === name)?.at);
  return {
    kind: 'summary',
    ok: complaints.length === 0,
    stop: { id: view.stopId, epoch: view.epoch },
    latchedMs: stage('latched'),
    fencedMs: stage('fenced'),
    haltedMs: stage('halted'),
    provedMs: stage('proved'),
    obligations: view.lanes.map((lane) => ({
      connector: lane.connector,
      target: lane.target,
      agent: lane.agentId,
      state: lane.state,
      evidence: lane.evidence,
      revokedMs: since(lane.revokedAt),
      provedMs: since(lane.provedAt),
      lastSuccessMs: lastSuccessMs(findings, lane.connector, lane.agentId),
      attempts: lane.attempts,
    })),
    toolCallsAfterFenced: toolCallsAfterFenced(findings),
    descendantsHalted: Math.max(0, view.tasks.halted - 1),
    secondGenerationUntouched: findings.secondGenerationUntouched,
    complaints,
  };
}

export function summaryLines(
  findings: Findings,
  complaints: readonly string[],
  historyLink: string | null,
): readonly string[] {
  const summary = summaryOf(findings, complaints);
  const seconds = (ms: number | null): string => (ms === null ? 'never' : `${(ms / 1000).toFixed(2)} s`);
  const line = (...cells: readonly string[]): string =>
    `  ${cells.map((cell, index) => cell.padEnd([13, 13, 9, 13, 14, 7][index] ?? 0)).join('')}`;
  const rows = summary.obligations.map((row) =>
    line(
      row.connector,
      row.agent,
      row.state,
      seconds(row.provedMs),
      seconds(row.lastSuccessMs),
      String(row.attempts),
      row.evidence ?? '',
    ),
  );
  return [
    `Stop ${view(summary)}: latched after ${seconds(summary.latchedMs)}, fenced ${seconds(summary.fencedMs)}, halted ${seconds(summary.haltedMs)}, proved ${seconds(summary.provedMs)}`,
    '',
    line('SYSTEM', 'AGENT', 'STATE', 'PROVED DEAD', 'LAST SUCCESS', 'STEPS', 'EVIDENCE'),
    ...rows,
    '',
    `  tool calls that reached the MCP server after fenced: ${summary.toolCallsAfterFenced ?? 'not counted, since it never was fenced'}`,
    `  sub-agents halted with it: ${summary.descendantsHalted}`,
    `  credentials of the new billing-bot untouched: ${summary.secondGenerationUntouched ? 'yes' : 'NO'}`,
    '  LAST SUCCESS: when the hijacked process got its last answer there. Times are since the stop was ordered.',
    ...(historyLink === null ? [] : [`  history of the stop, while the demo is up (--keep): ${historyLink}`]),
    ...(complaints.length === 0
      ? ['Everything was proved.']
      : ['NOT everything was proved:', ...complaints.map((complaint) => `  - ${complaint}`)]),
  ];
}

const view = (summary: { readonly stop: { readonly id: string; readonly epoch: number } }): string =>
  `${summary.stop.id} (epoch ${summary.stop.epoch})`;

function reportOf(findings: Findings, connector: string, agentId: string): HijackedReport | undefined {
  return findings.reports.get(`${connector}/${agentId}`);
}

/** Null where it was never fenced: then there is no moment to count from, and nothing was measured. */
function toolCallsAfterFenced({ view, toolCallsAt }: Findings): number | null {
  const fencedAt = view.stages.find(({ stage }) => stage === 'fenced')?.at;
  return fencedAt == null ? null : toolCallsAt.filter((at) => at > Date.parse(fencedAt)).length;
}

function lastSuccessMs(findings: Findings, connector: string, agentId: string): number | null {
  const at = reportOf(findings, connector, agentId)?.lastSuccessAt;
  return at == null ? null : at - findings.sentAt;
}
