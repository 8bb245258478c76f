/**
 * What people answered, by rule and value. A no holds for the task, whatever would send the value, and so weighs more than a yes. A yes
 * holds where it was said (`reuseOf`): whoever lets a tool write a value has let no other tool do anything with it.
 */

import type { Rule } from './facts.ts';
import type { Finding } from './finding.ts';
import { siteOf } from './site.ts';
import { answerKey, applyDelta, emptyDelta, type FlowDelta, type Mark, type TaskFlow } from './task-flow.ts';

export const approve = (flow: TaskFlow, findings: readonly Finding[]): FlowDelta =>
  answer(
    flow,
    findings.flatMap(({ rule, value, reuse }) => (reuse === undefined ? [] : [yesKey(flow, rule, value, reuse)])),
  );
export const refuse = (flow: TaskFlow, findings: readonly Finding[]): FlowDelta =>
  answer(
    flow,
    findings.map(({ rule, value }) => noKey(flow, rule, value)),
  );

function answer(flow: TaskFlow, keys: readonly string[]): FlowDelta {
  const marks = keys.map((key): Mark => [key, 'approved', flow.calls]);
  const delta: FlowDelta = { ...emptyDelta(flow.calls), values: marks };
  applyDelta(flow, delta);
  return delta;
}

const formOf = (rule: Rule, value: string): string => (rule === 'R2' ? (siteOf(value) ?? value) : value);
const noKey = (flow: TaskFlow, rule: Rule, value: string): string =>
  answerKey(flow.hash, 'no', rule, formOf(rule, value));
const yesKey = (flow: TaskFlow, rule: Rule, value: string, reuse: string): string =>
  answerKey(flow.hash, 'yes', rule, JSON.stringify([reuse, formOf(rule, value)]));

export const wasRefused = (flow: TaskFlow, rule: Rule, value: string): boolean =>
  flow.values.has(noKey(flow, rule, value));
/** How many calls had been seen when it was said; undefined: it was not, or not of this. */
export function approvedAt(flow: TaskFlow, rule: Rule, value: string, reuse: string | undefined): number | undefined {
  if (reuse === undefined) return undefined;
  const said = flow.values.get(yesKey(flow, rule, value, reuse));
  return said === undefined || wasRefused(flow, rule, value) ? undefined : said.call;
}
