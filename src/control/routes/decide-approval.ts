import { ApprovalDecision, ApprovalPath, DecideApproval } from '../../contract/http/approvals.ts';
import { personOf } from '../../contract/identity.ts';
import { EstopError } from '../../core/errors.ts';
import { decideApproval as decide, getApproval } from '../../store/approvals.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showApproval } from '../show-approval.ts';

/** The store decides, in one call, whether this person may and whether it is still open. The signal afterwards only wakes the task. */
export const decideApproval = defineEndpoint({
  method: 'post',
  path: '/v1/approvals/{id}:decide',
  id: 'decideApproval',
  summary: 'Let exactly one call go ahead, or refuse it; never by whoever asked for the task',
  permission: 'approval:decide',
  input: { path: ApprovalPath, query: nothing, body: DecideApproval },
  answers: [{ status: 200, description: 'The decision stands', schema: ApprovalDecision }],
  problems: ['unknown-approval', 'approval-closed', 'approval-not-eligible'],
  handle: async ({ path, body }, request, deps) => {
    const outcome = await decide(deps.store, {
      approvalId: path.id,
      decision: body.decision,
      actor: personOf(request.identity),
      reason: body.reason ?? '',
    });
    switch (outcome.kind) {
      case 'unknown':
        throw new EstopError('unknown-approval');
      case 'not-eligible':
        throw new EstopError('approval-not-eligible', {
          detail: 'Whoever asked for a task may deny its calls, and never approve them.',
        });
      case 'same-person':
        throw new EstopError('approval-not-eligible', {
          detail: 'This call needs two different people, and you are the first of them.',
        });
      case 'closed':
        throw new EstopError('approval-closed', { detail: `It is ${outcome.state}.` });
      case 'needs-second':
      case 'decided': {
        // Half an approval wakes nobody.
        const woken =
          outcome.kind === 'decided' &&
          (await deps.workflows.tell(outcome.taskId, { name: 'approve', approvalId: path.id }));
        const record = await getApproval(deps.store, path.id);
        if (record === undefined) throw new EstopError('unknown-approval');
        return { status: 200, body: { approval: showApproval(record, Date.now()), woken } };
      }
    }
  },
});
