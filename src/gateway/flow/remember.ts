import type { FlowCall } from '../../core/flow/call.ts';
import { notATool } from '../../core/flow/not-a-tool.ts';
import { type Answer, known, type Passage } from '../passage.ts';
import { isRecord } from '../upstream/read-reply.ts';
import type { TaskFlows } from './task-flows.ts';

/**
 * What an upstream said, in the tick in which it goes out: the agent's next call cannot come before. It is looked at afterwards, so
 * that the answer does not wait. Everything that an upstream says to an agent has to pass here.
 */
export function remember(passage: Passage, said: Answer): void {
  const { host, facts } = passage;
  host.flows.observe(known(facts.claims).taskId, facts.call?.callId, callOf(passage), said);
}

/** The same of what it says while it still works on the call: the answer itself is still to come. */
export function rememberMeanwhile(passage: Passage, message: Said): void {
  const { host, facts } = passage;
  if (facts.claims === undefined || message.params === undefined) return;
  host.flows.observe(facts.claims.taskId, undefined, callOf(passage), resultOf(message));
}

/** And of its own accord. False: it cannot be remembered, so that nobody may hear it. */
export function rememberUnasked(flows: TaskFlows, taskId: string, message: Said): Promise<boolean> {
  if (message.params === undefined) return Promise.resolve(true);
  return flows.observeUnasked(taskId, notATool, resultOf(message));
}

interface Said {
  readonly method: string;
  readonly params?: unknown;
}

/** As prose: nothing in it is a field of a record, but what a form offers to be chosen, and which resource has changed. */
function resultOf({ method, params }: Said): Answer {
  const { requestedSchema, ...others } = isRecord(params) ? params : { params };
  const { uri } = others;
  const fields = [
    ...(requestedSchema === undefined ? [] : [requestedSchema]),
    ...(method === 'notifications/resources/updated' && typeof uri === 'string' ? [{ uri }] : []),
  ];
  const texts = [`<said> ${JSON.stringify(others)}`, ...fields.map((field) => JSON.stringify(field))];
  return { content: texts.map((text) => ({ type: 'text', text })) };
}

function callOf({ asked, facts }: Passage): FlowCall {
  return asked.kind === 'tool-call' ? { profile: known(facts.profile), args: asked.arguments } : notATool;
}
