import { riskOfDenial, riskOfTier } from '../../core/breaker.ts';
import { modelKey } from '../../core/scope-key.ts';
import type { Denial, DenialReason, Facts, Passage } from '../passage.ts';

/** What of a request is looked at to count it. `asked` is the kind of it, also of one that no column of the gate is for. */
export interface Noted {
  readonly asked: { readonly kind: string };
  readonly facts: Facts;
}

/** What one request says of its agent. */
export interface Observation {
  readonly agentId: string;
  readonly toolKey: string;
  readonly digest?: Uint8Array;
  readonly made: boolean;
  readonly failed: boolean;
  readonly denied: boolean;
  readonly beyond: boolean;
  readonly overBudget: boolean;
  readonly risk: number;
  readonly microcents: number;
}

/** Denials that say something of us, of a server or of a decision of people, and nothing of the agent. Every other one counts. */
const notItsDoing: ReadonlySet<DenialReason> = new Set<DenialReason>([
  'task-closed',
  'task-held',
  'unknown-task',
  'unwatched',
  'policy-unavailable',
  'tool-changed',
  'session-needed',
  'model-without-price',
  'upstream-unavailable',
  'provider-unavailable',
  'provider-refused',
  'provider-failed',
  'possibly-completed',
  'shutting-down',
  'internal',
]);

/** What its configuration does not give it at all, whatever the arguments. */
const outOfBounds: ReadonlySet<DenialReason> = new Set<DenialReason>([
  'tool-not-available',
  'resource-not-available',
  'prompt-not-available',
  'model-not-available',
  'no-such-grant',
]);

/** Undefined: it says nothing, or nobody knows of whom. */
export function conductOf({ asked, facts }: Noted, denial: Denial | undefined): Observation | undefined {
  if (facts.claims === undefined) return undefined;
  const reason = refusalOf(denial);
  const made = facts.admitted === true && facts.outcome !== 'denied';
  if (!made && reason === undefined) return undefined;
  return {
    agentId: facts.claims.agentId,
    toolKey: facts.tool?.pin.scopeKey ?? (facts.model === undefined ? asked.kind : modelKey(facts.model.modelId)),
    ...(facts.digest === undefined ? {} : { digest: facts.digest }),
    made,
    failed: made && hasFailed(facts),
    denied: reason !== undefined,
    beyond: reason !== undefined && (reason === 'not-served' || outOfBounds.has(reason)),
    overBudget: reason === 'over-budget',
    risk: (made && asked.kind === 'tool-call' ? riskOfTier(facts.tier) : 0) + (reason === undefined ? 0 : riskOfDenial),
    microcents: made ? ((facts.used ?? facts.worst)?.microcents ?? 0) : 0,
  };
}

/** Why the gate refused, where the agent is to blame for it. */
export function refusalOf(denial: Denial | undefined): DenialReason | 'not-served' | undefined {
  if (denial?.kind === 'not-served') return denial.kind;
  return denial?.kind === 'denied' && !notItsDoing.has(denial.reason) ? denial.reason : undefined;
}

function hasFailed({ outcome, end }: Passage['facts']): boolean {
  if (outcome !== 'completed') return true;
  return end?.kind === 'replied' && end.reply.kind === 'result' && end.reply.result['isError'] === true;
}
