import type { Obligation } from '../contract/http/stops.ts';
import type { ObligationRecord } from '../store/obligations.ts';
import { millisecondsSince } from './show-stop.ts';
import { revocationLink } from './workflow-link.ts';

/** `latchedAt`: of its stop, so that times count from there; undefined where a task merely ended. */
export function showObligation(
  record: ObligationRecord,
  latchedAt: string | undefined,
  temporalUiUrl: string | undefined,
): Obligation {
  const after = (at: string | undefined): number | null =>
    latchedAt === undefined ? null : millisecondsSince(latchedAt, at);
  return {
    obligationId: record.obligationId,
    agentId: record.agentId,
    taskId: record.taskId,
    grantId: record.grantId,
    connector: record.connector,
    target: record.target,
    state: record.state,
    final: record.finalAt !== undefined,
    evidence: record.evidence ?? null,
    phase: record.phase ?? null,
    attempts: record.attempts,
    lastError: record.lastError ?? null,
    nextTryAt: record.nextTryAt ?? null,
    needsHuman: record.needsHuman ?? null,
    residual:
      record.residualUntil === undefined ? null : { until: record.residualUntil, why: record.residualWhy ?? '' },
    acceptedBy: record.acceptedBy ?? null,
    openedAt: record.openedAt,
    revokedAt: record.revokedAt ?? null,
    provedAt: record.provedAt ?? null,
    finalAt: record.finalAt ?? null,
    revokedAfterMs: after(record.revokedAt),
    provedAfterMs: after(record.provedAt),
    workflow: revocationLink(temporalUiUrl, record.agentId, record.causeEpoch, record.causeId),
  };
}
