import { ApprovalPage, ApprovalQuery } from '../../contract/http/approvals.ts';
import { listApprovals as list } from '../../store/approvals.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { pageRequest } from '../page-request.ts';
import { showApproval } from '../show-approval.ts';

export const listApprovals = defineEndpoint({
  method: 'get',
  path: '/v1/approvals',
  id: 'listApprovals',
  summary: 'Calls that wait for a human, newest first',
  permission: 'approval:read',
  input: { path: nothing, query: ApprovalQuery, body: nothing },
  answers: [{ status: 200, description: 'One page', schema: ApprovalPage }],
  problems: [],
  look: async ({ query }, deps) => {
    const filters = { ...(query.task === undefined ? {} : { taskId: query.task }), pending: query.state === 'pending' };
    const page = await list(deps.store, { ...pageRequest(query), ...filters });
    const shown = page.items.map((record) => showApproval(record, Date.now()));
    const items = query.state === 'pending' ? shown.filter((approval) => approval.state === 'pending') : shown;
    return { items, next: page.next ?? null };
  },
});
