import type { Drill } from '../contract/http/connectors.ts';
import type { DrillRecord } from '../store/drills.ts';

export const showDrill = (drill: DrillRecord): Drill => ({
  taskId: drill.taskId,
  state: drill.state,
  askedBy: drill.askedBy,
  scheduled: drill.isScheduled,
  askedAt: drill.askedAt,
  finishedAt: drill.finishedAt ?? null,
  why: drill.why ?? null,
  evidence: drill.evidence ?? null,
  issueMs: between(drill.intendedAt, drill.issuedAt),
  cutMs: between(drill.endedAt, drill.revokedAt),
  proveMs: between(drill.revokedAt, drill.provedAt),
});

const between = (from: string | undefined, to: string | undefined): number | null =>
  from === undefined || to === undefined ? null : Math.max(0, Math.round(Date.parse(to) - Date.parse(from)));
