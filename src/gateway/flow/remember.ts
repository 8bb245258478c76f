import type { FlowCall } from '../../core/flow/call.ts';
import { notATool } from '../../core/flow/not-a-tool.ts';
import { type Answer, known, type Passage } from '../passage.ts';

/**
 * What an upstream said, in the tick in which it goes out: the agent's next call cannot come before. It is looked at afterwards, so
 * that the answer does not wait. Everything that an upstream says to an agent has to pass here.
 */
export function remember(passage: Passage, said: Answer): void {
  const { host, facts } = passage;
  host.flows.observe(known(facts.claims).taskId, facts.call?.callId, callOf(passage), said);
}

/** The same of what it says while it still works on the call: the answer itself is still to come. */
export function rememberMeanwhile(passage: Passage, params: unknown): void {
  const { host, facts } = passage;
  if (params === undefined || facts.claims === undefined) return;
  // As prose: nothing in it is a field of a record.
  const said = { content: [{ type: 'text', text: `<said> ${JSON.stringify(params)}` }] };
  host.flows.observe(facts.claims.taskId, undefined, callOf(passage), said);
}

function callOf({ asked, facts }: Passage): FlowCall {
  return asked.kind === 'tool-call' ? { profile: known(facts.profile), args: asked.arguments } : notATool;
}
