import type { Stage, Stop } from '../contract/http/stops.ts';
import { type StopSummary, stopSummaries } from '../store/stop-summaries.ts';
import type { StopRecord } from '../store/stops.ts';
import type { ControlDeps } from './deps.ts';

/** From the ledger alone: every figure is one that somebody verified, or it is null. */
export async function showStops(
  deps: Pick<ControlDeps, 'store'>,
  stops: readonly StopRecord[],
): Promise<readonly Stop[]> {
  const summaries = await stopSummaries(
    deps.store,
    stops.map((stop) => stop.stopId),
  );
  return stops.map((stop) => showStop(stop, summaries.get(stop.stopId) ?? unseen(stop.stopId)));
}

export function showStop(stop: StopRecord, summary: StopSummary): Stop {
  const stages = stagesOf(stop, summary);
  const firstMissing = stages.findIndex((entry) => entry.at === null);
  const reached = stages[firstMissing < 0 ? stages.length - 1 : Math.max(0, firstMissing - 1)]?.stage ?? 'latched';
  return {
    stopId: stop.stopId,
    epoch: stop.epoch,
    scopeKey: stop.scopeKey,
    category: stop.category,
    graceMs: stop.graceMs,
    reason: stop.reason,
    actor: stop.actor,
    method: stop.method,
    inForce: stop.reset === undefined,
    reached,
    stages,
    evidence: summary.evidence ?? null,
    obligations: summary.obligations,
    possiblyCompleted: summary.possiblyCompleted,
    residualUntil: summary.residualUntil ?? null,
    reset: stop.reset ?? null,
  };
}

function stagesOf(stop: StopRecord, summary: StopSummary): Stage[] {
  const stage = (name: Stage['stage'], at: string | undefined): Stage => ({
    stage: name,
    at: at ?? null,
    afterMs: millisecondsSince(stop.latchedAt, at),
  });
  return [
    stage('latched', stop.latchedAt),
    stage('fenced', summary.fencedAt),
    stage('halted', summary.haltedAt),
    stage('revoked', summary.revokedAt),
    stage('proved', summary.provedAt),
  ];
}

export function millisecondsSince(from: string, to: string | undefined): number | null {
  return to === undefined ? null : Math.max(0, Date.parse(to) - Date.parse(from));
}

/** Nobody has looked at this stop yet: the relay will. */
const unseen = (stopId: string): StopSummary => ({
  stopId,
  possiblyCompleted: 0,
  obligations: { total: 0, open: 0, revoked: 0, proved: 0, residual: 0, acceptedRisk: 0, needsHuman: 0 },
});
