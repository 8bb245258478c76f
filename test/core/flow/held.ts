import { judge } from '../../../src/core/flow/judge.ts';
import { observe } from '../../../src/core/flow/observe.ts';
import { openTaskFlow } from '../../../src/core/flow/open-flow.ts';
import type { ToolDefinition } from '../../../src/core/flow/tool/tool-definition.ts';
import { proposeProfile } from '../../../src/core/flow/tool/tool-profile.ts';
import { hash } from './office.ts';

export const tool = (name: string, description: string, ...properties: readonly string[]): ToolDefinition => ({
  name,
  description,
  inputSchema: {
    type: 'object',
    properties: Object.fromEntries(properties.map((property) => [property, { type: 'string' }])),
    required: properties,
  },
});

export interface Seen {
  readonly tool: ToolDefinition;
  readonly args: Readonly<Record<string, unknown>>;
  readonly output: string;
}

/** The rules that hold the call in a task that asked for this and saw that. */
export function held(
  request: string,
  called: ToolDefinition,
  args: Readonly<Record<string, unknown>>,
  ...seen: Seen[]
) {
  const { flow } = openTaskFlow({ request, ownIdentities: [], contacts: [], hash });
  for (const one of seen) observe(flow, { profile: proposeProfile(one.tool), args: one.args }, one.output);
  const { findings } = judge(flow, { profile: proposeProfile(called), args });
  return [...new Set(findings.map(({ rule }) => rule))].sort();
}
