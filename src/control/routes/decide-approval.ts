import { ApprovalDecision, ApprovalPath, DecideApproval } from '../../contract/http/approvals.ts';
import { type Identity, personOf } from '../../contract/identity.ts';
import { EstopError } from '../../core/errors.ts';
import { type ApprovalRecord, decideApproval as decide, getApproval } from '../../store/approvals.ts';
import { groundOf } from '../approvers/ground-of.ts';
import { approvalInPath } from '../concern.ts';
import type { ControlDeps } from '../deps.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { refuseUnseen } from '../minimum-look.ts';
import { namesOfCaller } from '../names-of-caller.ts';
import { wasPermittedAt } from '../permission.ts';
import { showApproval } from '../show-approval.ts';

/** Settled before a decision counts: whoever became an approver after the call was asked for does not approve it. */
function refuseLateMandate(approval: ApprovalRecord, identity: Identity, deps: ControlDeps): void {
  if (identity.mandates === undefined) return;
  const labels = deps.config.current().agents.find(({ agentId }) => agentId === approval.agentId)?.labels ?? {};
  if (wasPermittedAt(identity, 'approval:decide', labels, approval.requestedAt)) return;
  throw new EstopError('approval-not-eligible', {
    detail: 'You were given the role of an approver after this call had been asked for.',
  });
}

/** The store decides, in one call, whether this person may and whether it is still open. The signal afterwards only wakes the task. */
export const decideApproval = defineEndpoint({
  method: 'post',
  path: '/v1/approvals/{id}:decide',
  id: 'decideApproval',
  summary: 'Let exactly one call go ahead, or refuse it; never by whoever asked for the task or answers for the agent',
  permission: 'approval:decide',
  underElevation: 'allowed',
  concerns: approvalInPath,
  input: { path: ApprovalPath, query: nothing, body: DecideApproval },
  answers: [{ status: 200, description: 'The decision stands', schema: ApprovalDecision }],
  problems: ['unknown-approval', 'approval-closed', 'approval-not-eligible', 'approval-unseen'],
  handle: async ({ path, body }, request, deps) => {
    const asked = body.decision === 'denied' ? undefined : await getApproval(deps.store, path.id);
    if (asked !== undefined) {
      refuseLateMandate(asked, request.identity, deps);
      await refuseUnseen(deps, asked, request.identity);
    }
    const ground = body.decision === 'denied' ? undefined : groundOf(request.identity);
    if (ground?.listed !== undefined) await deps.approvers.say();
    const outcome = await decide(deps.store, {
      approvalId: path.id,
      decision: body.decision,
      actor: personOf(request.identity),
      names: namesOfCaller(request.identity, deps),
      reason: body.reason ?? '',
      ...(ground === undefined ? {} : { ground }),
    });
    switch (outcome.kind) {
      case 'unknown':
        throw new EstopError('unknown-approval');
      case 'not-eligible':
        throw new EstopError('approval-not-eligible', {
          detail: 'Whoever asked for a task, or answers for its agent, may deny its calls, and never approve them.',
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
        return { status: 200, body: { approval: showApproval(record), woken } };
      }
    }
  },
});
