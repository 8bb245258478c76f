import type { Approval, ListedApproval } from '../contract/http/approvals.ts';
import { plural } from '../contract/plural.ts';
import { renderFields } from './table.ts';
import { visible, visibleLines } from './visible.ts';
import { exact } from './when.ts';

/**
 * Everything that will be sent, whole: what is not shown cannot be approved. The arguments were written by an agent, so each
 * line is escaped and fenced off, and their length and digest stand beside them.
 */
export function approvalLines(approval: Approval | ListedApproval, now: number): readonly string[] {
  return [
    ...renderFields([
      ...('risk' in approval ? [['risk tier', riskWords(approval)] as const] : []),
      ['approval', approval.approvalId],
      ['state', approval.state],
      ['agent', approval.agentId],
      ['task', approval.taskId],
      ['tool', approval.tool],
      ['requested by', approval.requestedBy],
      ['requested', exact(approval.requestedAt, now)],
      ['expires', exact(approval.expiresAt, now)],
      ...(approval.approvers === 1 ? [] : [['approvers', 'two different people'] as const]),
      ...(approval.firstBy === null ? [] : [['first approved by', approval.firstBy] as const]),
      ...(approval.decidedBy === null ? [] : [['decided by', approval.decidedBy] as const]),
      ...(approval.decisionReason === null ? [] : [['reason', approval.decisionReason] as const]),
      ...(approval.endedAt === null ? [] : [['ended', exact(approval.endedAt, now)] as const]),
      ...(approval.stoppedBy === null ? [] : [['closed by', approval.stoppedBy] as const]),
      ['sha-256', approval.digest],
    ]),
    ...(approval.reasons.length === 0 ? [] : ['a person is asked because']),
    ...approval.reasons.flatMap(({ policy, sentence }) =>
      wrap(`${visible(sentence)} (${visible(policy)})`).map((line) => `  ${line}`),
    ),
    `arguments, ${plural([...approval.shown].length, 'character')}, written by the agent:`,
    ...visibleLines(approval.shown)
      .flatMap(wrap)
      .map((line) => `  | ${line}`),
  ];
}

function riskWords({ risk }: ListedApproval): string {
  if (risk === null) return 'unknown: the tool is not on record';
  return risk.by === 'proposed' ? `${risk.tier}, as proposed` : `${risk.tier}, as estop.yaml decides`;
}

/** Wrapped by us: a terminal that cuts long lines would hide the end of an argument. */
export function wrap(line: string): readonly string[] {
  const characters = [...line];
  const parts: string[] = [];
  for (let at = 0; at < characters.length || at === 0; at += 100) parts.push(characters.slice(at, at + 100).join(''));
  return parts;
}
