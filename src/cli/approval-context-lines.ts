import type { ApprovalContext } from '../contract/http/approval-context.ts';
import { diffLines } from '../core/diff-lines.ts';
import { approvalLines, wrap } from './approval-lines.ts';
import { renderFields } from './table.ts';
import { tierWords } from './tool-lines.ts';
import { visible } from './visible.ts';
import { exact } from './when.ts';

/** The facts first, then what would be sent, then what differs from the last call like it: as the console shows it. */
export function approvalContextLines(context: ApprovalContext, now: number): readonly string[] {
  const { approval, tool, task, owner, stopHolder, lately, mayApprove, whyNot } = context;
  const { approved, denied, pendingOfAgent } = lately;
  return [
    ...renderFields([
      ['risk tier', tool === null ? 'unknown: the tool is not on record' : tierWords(tool)],
      ...(tool === null || tool.state === 'accepted' ? [] : [['definition', tool.state] as const]),
      ['owner', owner ?? 'unknown'],
      ['stop-holder', stopHolder ?? 'unknown'],
      ...(task === null || task.purpose === '' ? [] : [['purpose', task.purpose] as const]),
      ['in a day', `${approved} approved, ${denied} denied of this tool; ${pendingOfAgent} of this agent waiting`],
      ...(approval.state !== 'pending' || mayApprove
        ? []
        : [['not yours', whyNot ?? 'you may not approve it'] as const]),
    ]),
    ...approvalLines(approval, now),
    ...similarLines(context, now),
  ];
}

function similarLines({ approval, similar }: ApprovalContext, now: number): readonly string[] {
  if (similar === null) return ['no call of this tool by this agent was decided before'];
  const when = similar.decidedAt === null ? '' : ` ${exact(similar.decidedAt, now)}`;
  const who = `the last one like it was ${similar.state}${when} by ${visible(similar.decidedBy ?? '?')}`;
  if (similar.shown === approval.shown) return [`${who}; its arguments were the same`];
  const lines = diffLines(similar.shown.split('\n'), approval.shown.split('\n'));
  return [
    `${who}; against it:`,
    ...lines.flatMap(({ sign, text }) => wrap(visible(text)).map((part) => `  ${sign} ${part}`)),
  ];
}
