/** Recorded runs through the real decision, without side effects: what would the gate have said? */

import { approve, refuse } from './answer.ts';
import type { FlowCall } from './call.ts';
import { violations } from './facts.ts';
import { type Judgement, judge } from './judge.ts';
import type { KeyedHash } from './keyed-hash.ts';
import { notATool, toldTo } from './not-a-tool.ts';
import { observe } from './observe.ts';
import { type Contact, openTaskFlow } from './open-flow.ts';
import type { ToolProfile } from './tool/tool-profile.ts';

export interface RecordedCall {
  /** Of what is no tool: what it names, a model or a URI. */
  readonly tool: string;
  /** What is asked, if it is no tool; `server`: whose it is. */
  readonly kind?: string | undefined;
  readonly server?: string | undefined;
  readonly method?: string | undefined;
  readonly args: Readonly<Record<string, unknown>>;
  readonly output: string | null;
  readonly error?: string | undefined;
}

export interface RecordedRun {
  readonly run: string;
  readonly request: string;
  /** Which list of tools it had. */
  readonly tools?: string | undefined;
  readonly calls: readonly RecordedCall[];
}

export type Decision = 'allow' | 'ask' | 'deny';

export interface ReplayedRun {
  readonly run: string;
  readonly decisions: readonly Decision[];
  /** For each call the sentences, or why it was denied; empty when it was allowed. */
  readonly reasons: readonly (readonly string[])[];
}

export type Decide = (
  judgement: Judgement,
  call: FlowCall,
) => { readonly decision: Decision; readonly reasons: readonly string[] };

/** The same of what is no tool. There nobody is asked. */
export type DecideOther = (
  judgement: Judgement,
  call: RecordedCall,
) => { readonly decision: 'allow' | 'deny'; readonly reasons: readonly string[] };

export interface ReplayOptions {
  readonly hash: KeyedHash;
  /** What the person who is asked is taken to answer. */
  readonly assume: 'allow' | 'deny';
  readonly ownIdentities?: readonly string[];
  readonly contacts?: readonly Contact[];
  readonly decide?: Decide;
  /** Without it what is no tool is denied. */
  readonly decideOther?: DecideOther;
  readonly watch?: (judgement: Judgement, index: number) => void;
}

/** By the rules alone: what breaks one is asked, once; what a person refused in this task is denied. */
export const askOnViolation: Decide = ({ facts, findings, tier }) => {
  if (violations(facts, tier).length === 0) return { decision: 'allow', reasons: [] };
  const reasons = findings.map(({ rule, sentence }) => `${rule}: ${sentence}`);
  return { decision: findings.some(({ refused }) => refused) ? 'deny' : 'ask', reasons };
};

/** A tool without a profile was never accepted: denied. Of a call that did not happen nothing is observed. */
export function replay(run: RecordedRun, tools: ReadonlyMap<string, ToolProfile>, options: ReplayOptions): ReplayedRun {
  const decide = options.decide ?? askOnViolation;
  const { flow } = openTaskFlow({
    request: run.request,
    ownIdentities: options.ownIdentities ?? [],
    contacts: options.contacts ?? [],
    hash: options.hash,
  });
  const decisions: Decision[] = [];
  const reasons: (readonly string[])[] = [];
  for (const [index, recorded] of run.calls.entries()) {
    const { tool, args, output, error, kind } = recorded;
    if (kind !== undefined) {
      const isOfServer = kind !== 'model' && kind !== 'grant';
      const judgement = judge(flow, isOfServer ? toldTo(tool, { values: args, addresses: [tool] }) : notATool);
      const said = options.decideOther?.(judgement, recorded) ?? {
        decision: 'deny',
        reasons: [`${kind} is not known.`],
      };
      decisions.push(said.decision);
      reasons.push(said.reasons);
      // What a model says is the agent's own word: nothing was read.
      if (said.decision === 'allow' && kind !== 'model') observe(flow, notATool, error ?? output ?? '');
      continue;
    }
    const profile = tools.get(tool);
    if (profile === undefined) {
      decisions.push('deny');
      reasons.push([`The tool ${tool} is not known.`]);
      continue;
    }
    const call: FlowCall = { profile, args };
    const judgement = judge(flow, call);
    options.watch?.(judgement, index);
    const said = decide(judgement, call);
    decisions.push(said.decision);
    reasons.push(said.reasons);
    if (said.decision === 'ask' && options.assume === 'deny') refuse(flow, judgement.findings);
    if (said.decision === 'deny' || (said.decision === 'ask' && options.assume === 'deny')) continue;
    if (said.decision === 'ask') approve(flow, judgement.findings);
    observe(flow, call, error ?? output ?? '');
  }
  return { run: run.run, decisions, reasons };
}
