import type { ToolDefinition, ToolPin } from '../contract/http/tools.ts';
import { definitionLines } from '../core/definition-lines.ts';
import { diffLines } from '../core/diff-lines.ts';
import { renderTable } from './table.ts';
import { visible } from './visible.ts';

export const tierOf = (tool: ToolPin): string => tool.decidedTier ?? tool.proposedTier;

/** With who says so: an approver is to know whether people looked at it. */
export const tierWords = (tool: ToolPin): string =>
  tool.decidedTier === null
    ? `${tool.proposedTier}, proposed: ${tool.because}`
    : `${tool.decidedTier}, as estop.yaml decides`;

/** A name that waits for its first acceptance is new; one that was accepted once has changed. */
export function standingOf(tool: ToolPin): string {
  if (tool.resembles !== null && tool.state === 'changed') return `looks like ${tool.resembles}`;
  return tool.state;
}

export function toolTable(tools: readonly ToolPin[]): readonly string[] {
  return renderTable<ToolPin>(
    [
      { title: 'tool', cell: (row) => row.tool },
      { title: 'tier', cell: (row) => tierOf(row) },
      { title: 'by', cell: (row) => (row.decidedTier === null ? 'proposed' : 'estop.yaml') },
      { title: 'state', cell: (row) => standingOf(row) },
      { title: 'accepted by', cell: (row) => row.acceptedBy ?? '-' },
      { title: 'hash', cell: (row) => row.hash.slice(0, 12) },
      { title: 'labels', cell: (row) => row.labels.join(' ') },
    ],
    tools,
  );
}

/** The accepted definition, and the one that was shown since: the one asked for, or the newest that nobody has looked at. */
export function comparedIn(
  definitions: readonly ToolDefinition[],
  hash: string | undefined,
): { readonly accepted: ToolDefinition | undefined; readonly other: ToolDefinition | undefined } {
  const accepted = definitions.find(({ state }) => state === 'accepted');
  const others = definitions.filter(({ state }) => state !== 'accepted');
  const unseen = others.filter(({ state }) => state === 'changed');
  const named = hash === undefined ? undefined : definitions.find((one) => one.hash.startsWith(hash));
  return { accepted, other: hash === undefined ? unseen.at(-1) : named };
}

/** Every difference, with nothing hidden in it; what is the same is shown only near one. */
export function toolDiffLines(before: ToolDefinition | undefined, after: ToolDefinition): readonly string[] {
  const lines = diffLines(
    before === undefined ? [] : definitionLines(before.definition),
    definitionLines(after.definition),
  );
  const near = lines.map((_, at) => lines.slice(Math.max(0, at - 3), at + 4).some(({ sign }) => sign !== ' '));
  const shown: string[] = [
    `--- ${before === undefined ? 'nothing was accepted yet' : before.hash}`,
    `+++ ${after.hash}`,
  ];
  lines.forEach(({ sign, text }, at) => {
    if (near[at] === true) shown.push(`${sign} ${visible(text)}`);
    else if (near[at - 1] === true || at === 0) shown.push('  ..');
  });
  return shown;
}

/** Texts stand as they read, line by line; an escape that JSON needs would hide where a line ends. */
const order = ['read', 'code', 'fetch', 'write', 'destructive'];

/** What nobody has decided yet, the tiers first that let most through: a sink taken for a read is the mistake that costs most. */
export function toReview(tools: readonly ToolPin[]): readonly ToolPin[] {
  return tools
    .filter(({ state, decidedTier }) => state === 'accepted' && decidedTier === null)
    .sort((a, b) => order.indexOf(a.proposedTier) - order.indexOf(b.proposedTier) || a.tool.localeCompare(b.tool));
}
