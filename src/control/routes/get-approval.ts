import { Approval, ApprovalPath } from '../../contract/http/approvals.ts';
import { EstopError } from '../../core/errors.ts';
import { getApproval as read } from '../../store/approvals.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showApproval } from '../show-approval.ts';

export const getApproval = defineEndpoint({
  method: 'get',
  path: '/v1/approvals/{id}',
  id: 'getApproval',
  summary: 'One call that waits or waited for a human, with all of what would be sent',
  permission: 'approval:read',
  input: { path: ApprovalPath, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'As it stands now', schema: Approval }],
  problems: ['unknown-approval'],
  handle: async ({ path }, _request, deps) => {
    const record = await read(deps.store, path.id);
    if (record === undefined) throw new EstopError('unknown-approval');
    return { status: 200, body: showApproval(record) };
  },
});
