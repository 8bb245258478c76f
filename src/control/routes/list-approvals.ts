import { type Approval, ApprovalPage, ApprovalQuery, type ListedApproval } from '../../contract/http/approvals.ts';
import { listApprovals as list } from '../../store/approvals.ts';
import { proposedTiers } from '../../store/tool-pins.ts';
import type { ControlDeps } from '../deps.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { pageRequest } from '../page-request.ts';
import { showApproval } from '../show-approval.ts';
import { decidedTier } from '../show-tool.ts';

async function withRisk(approvals: readonly Approval[], deps: ControlDeps): Promise<ListedApproval[]> {
  const proposed = await proposedTiers(
    deps.store,
    approvals.map(({ tool }) => tool),
  );
  return approvals.map((approval) => {
    const [serverId = '', tool = ''] = approval.tool.split('/');
    const decided = decidedTier(serverId, tool, deps.config.current());
    const tier = decided ?? proposed.get(approval.tool);
    const by = decided === null ? 'proposed' : 'estop.yaml';
    return { ...approval, risk: tier === undefined ? null : { tier, by } };
  });
}

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
    const shown = await withRisk(page.items.map(showApproval), deps);
    const items = query.state === 'pending' ? shown.filter((approval) => approval.state === 'pending') : shown;
    return { items, next: page.next ?? null };
  },
});
