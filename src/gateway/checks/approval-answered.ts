import { approvalInput } from '../call/ask-by-url.ts';
import { type Check, denied, known } from '../passage.ts';
import { isRecord } from '../upstream/read-reply.ts';

/**
 * A call that is sent again after its client's user was shown the page. The state must be ours, of this task and of these bytes,
 * and unused; what the user's host says of itself (accepted, declined) counts for nothing, and neither is sent on.
 */
export const checkApprovalAnswered: Check = async ({ host, asked, facts }) => {
  const answers = asked.kind === 'tool-call' ? asked.inputs?.['inputResponses'] : undefined;
  if (!isRecord(answers) || !Object.hasOwn(answers, approvalInput)) return undefined;
  const { taskId } = known(facts.claims);
  const isOurs =
    Object.keys(answers).length === 1 &&
    asked.kind === 'tool-call' &&
    (await host.approvalStates.take(asked.inputs?.['requestState'], { taskId, digest: known(facts.digest) }));
  if (!isOurs) return denied('approval-state-invalid');
  facts.approvalAnswered = true;
  return undefined;
};
