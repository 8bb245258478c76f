/** What people answered, by rule and value: asked once in a task, and a site stays open for the task. */

import type { Rule } from './facts.ts';
import type { Finding } from './finding.ts';
import { siteOf } from './site.ts';
import { answerKey, applyDelta, emptyDelta, type FlowDelta, type Mark, type TaskFlow } from './task-flow.ts';

export const approve = (flow: TaskFlow, findings: readonly Finding[]): FlowDelta => answer(flow, 'yes', findings);
export const refuse = (flow: TaskFlow, findings: readonly Finding[]): FlowDelta => answer(flow, 'no', findings);

function answer(flow: TaskFlow, said: 'yes' | 'no', findings: readonly Finding[]): FlowDelta {
  const marks = findings.map(({ rule, value }): Mark => [keyOf(flow, said, rule, value), 'approved', flow.calls]);
  const delta: FlowDelta = { ...emptyDelta(flow.calls), values: marks };
  applyDelta(flow, delta);
  return delta;
}

const keyOf = (flow: TaskFlow, said: 'yes' | 'no', rule: Rule, value: string): string =>
  answerKey(flow.hash, said, rule, rule === 'R2' ? (siteOf(value) ?? value) : value);

/** A no weighs more than a yes, whichever came first. */
export const wasRefused = (flow: TaskFlow, rule: Rule, value: string): boolean =>
  flow.values.has(keyOf(flow, 'no', rule, value));
export const wasApproved = (flow: TaskFlow, rule: Rule, value: string): boolean =>
  flow.values.has(keyOf(flow, 'yes', rule, value)) && !wasRefused(flow, rule, value);
