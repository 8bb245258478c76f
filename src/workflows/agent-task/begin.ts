import { ActivityFailure, ApplicationFailure, CancellationScope } from '@temporalio/workflow';
import type { AgentTaskInput } from '../../contract/agent-task.ts';
import { ledger, mint } from './activities.ts';
import { mintId } from './ids.ts';

export type Beginning =
  | { readonly kind: 'running'; readonly what: string }
  | { readonly kind: 'stopped'; readonly stopId: string }
  | { readonly kind: 'refused' };

/** Each try leaves a grant of its own in the ledger; one that failed half way is the revocation's to end. */
const triesPerGrant = 3;

/** The second look at the stops, then the grants, side by side. A grant that cannot be had is missing; the task runs without it. */
export async function begin(input: AgentTaskInput, environment: string): Promise<Beginning> {
  const decision = await ledger.beginTask(input.taskId);
  switch (decision.kind) {
    case 'stopped':
      return decision;
    case 'closed':
      return { kind: 'refused' };
    case 'running': {
      const issued = await Promise.all(decision.grants.map((name) => issueGrant(input.taskId, environment, name)));
      if (issued.some(({ refusal }) => refusal === 'stopped')) {
        // A stop of the connector alone leaves the task running without this grant.
        const { stopId } = await ledger.stopOf(input.taskId);
        if (stopId !== undefined) return { kind: 'stopped', stopId };
      }
      return { kind: 'running', what: ['began', ...issued.map(describe)].join('; ') };
    }
    default:
      return decision satisfies never;
  }
}

export interface Issued {
  readonly name: string;
  /** Why there is none. */
  readonly refusal?: string;
}

const describe = ({ name, refusal }: Issued): string =>
  refusal === undefined ? `grant ${name}` : `no grant ${name} (${refusal})`;

export async function issueGrant(taskId: string, environment: string, name: string): Promise<Issued> {
  let reason = 'unknown';
  for (let attempt = 0; attempt < triesPerGrant; attempt += 1) {
    try {
      const decision = await mint.issueGrant({ taskId, grantId: mintId('grant', environment), name });
      if (decision.issued) return { name };
      reason = decision.reason ?? reason;
      if (decision.mayTryAgain !== true) break;
    } catch (error) {
      if (CancellationScope.current().consideredCancelled || !(error instanceof ActivityFailure)) throw error;
      reason = error.cause instanceof ApplicationFailure ? (error.cause.type ?? reason) : 'timeout';
      break;
    }
  }
  return { name, refusal: reason };
}
