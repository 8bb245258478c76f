import { ApprovalContext } from '../../contract/http/approval-context.ts';
import { ApprovalPath } from '../../contract/http/approvals.ts';
import type { Identity } from '../../contract/identity.ts';
import { EstopError } from '../../core/errors.ts';
import { getAgent } from '../../store/agents.ts';
import { approvalContext } from '../../store/approval-context.ts';
import { type ApprovalRecord, getApproval as read } from '../../store/approvals.ts';
import { getTask, type TaskRecord } from '../../store/tasks.ts';
import { readToolPins } from '../../store/tool-pins.ts';
import type { ControlDeps } from '../deps.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { beginLook } from '../minimum-look.ts';
import { namesOfCaller } from '../names-of-caller.ts';
import { isPermitted } from '../permission.ts';
import { showApproval } from '../show-approval.ts';
import { showTasks } from '../show-task.ts';
import { showTool } from '../show-tool.ts';

export const getApprovalContext = defineEndpoint({
  method: 'get',
  path: '/v1/approvals/{id}/context',
  id: 'getApprovalContext',
  summary: 'One call that waits, with the facts to decide it by',
  permission: 'approval:read',
  input: { path: ApprovalPath, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'As it stands now', schema: ApprovalContext }],
  problems: ['unknown-approval'],
  handle: async ({ path }, request, deps) => {
    const record = await read(deps.store, path.id);
    if (record === undefined) throw new EstopError('unknown-approval');
    const [context, pins, task, agent] = await Promise.all([
      approvalContext(deps.store, record),
      readToolPins(deps.store, record.toolKey.replace(/^tool:/, '')),
      getTask(deps.store, record.taskId),
      getAgent(deps.store, record.agentId),
    ]);
    const pin = pins.find(({ state }) => state === 'accepted') ?? pins[0];
    const owners = ownersOf(record, task, deps);
    const whyNot = whyNotYou(record, request.identity, owners, deps);
    const approvableInMs = isPermitted(request.identity, 'approval:decide')
      ? await beginLook(deps, record, pins, request.identity)
      : 0;
    return {
      status: 200,
      body: {
        approval: showApproval(record),
        mayApprove: whyNot === null,
        whyNot,
        approvableInMs,
        tool: pin === undefined ? null : showTool(pin, deps.config.current()),
        task: task === undefined ? null : ((await showTasks(deps, [task]))[0] ?? null),
        owner: agent?.owner ?? null,
        stopHolder: agent?.stopHolder ?? null,
        similar: context.similar === undefined ? null : showApproval(context.similar),
        lately: { approved: context.approved, denied: context.denied, pendingOfAgent: context.pendingOfAgent },
      },
    };
  },
});

/** What the store will say, said before: it decides all the same. */
function whyNotYou(
  record: ApprovalRecord,
  identity: Identity,
  owners: readonly string[],
  deps: ControlDeps,
): string | null {
  if (!isPermitted(identity, 'approval:decide')) return 'Deciding needs the role approver or admin.';
  const mine = new Set(namesOfCaller(identity, deps));
  const isMe = (name: string | undefined): boolean => name !== undefined && mine.has(name.toLowerCase());
  if (isMe(record.requestedBy)) return 'You asked for this task: you may deny its calls, and never approve them.';
  if ([...record.barred, ...owners].some(isMe))
    return 'You answer for this agent, or for one that it works for: you may deny its calls, and never approve them.';
  if (isMe(record.firstBy)) return 'You are the first of the two who must approve it.';
  return null;
}

/** Of the agent and of those that it works for, where estop.yaml does not let them approve. */
function ownersOf({ agentId }: ApprovalRecord, task: TaskRecord | undefined, deps: ControlDeps): readonly string[] {
  const agents = new Set([agentId, ...(task?.agents ?? [])]);
  return deps.config
    .current()
    .agents.filter((one) => agents.has(one.agentId) && one.ownerApproves !== true)
    .map(({ owner }) => owner);
}
