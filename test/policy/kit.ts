import type { FlowFacts } from '../../src/core/flow/facts.ts';
import { checkPolicies } from '../../src/policy/check-set.ts';
import { Engine } from '../../src/policy/engine.ts';
import type { PolicyFiles, PolicySet } from '../../src/policy/parse-set.ts';
import { readPolicyFolder } from '../../src/policy/read-folder.ts';
import type { PolicyRequest } from '../../src/policy/request.ts';
import type { KnownTool } from '../../src/policy/tool-shape.ts';
import { policiesFolder } from '../../src/runtime/package-root.ts';

export const shipped: PolicyFiles = readPolicyFolder(policiesFolder);

export const refund: KnownTool = {
  serverId: 'billing',
  name: 'refund_payment',
  inputSchema: {
    type: 'object',
    properties: {
      cents: { type: 'integer' },
      rate: { type: 'number' },
      currency: { type: 'string', enum: ['EUR', 'USD'] },
      invoice: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
    },
    required: ['cents'],
  },
};

export const clean: FlowFacts = {
  origin: { party: ['request'], url: [], path: [], secret: [], ref: [], text: [] },
  relevant: true,
  reads: { untrusted: false, private: false, labels: [] },
};

export const traced = (facts: FlowFacts): PolicyRequest['flow'] => ({
  kind: 'known',
  judgement: { facts, findings: [] },
});

export const untraced: PolicyRequest['flow'] = { kind: 'unknown', why: 'not-opened' };

export function request(changes: Partial<PolicyRequest> = {}): PolicyRequest {
  return {
    agent: { agentId: 'billing-bot', owner: 'olga', labels: { team: 'billing' } },
    tool: refund,
    args: { cents: 500 },
    listed: 'wildcard',
    tier: 'destructive',
    labels: [],
    environment: 'test',
    flow: traced(clean),
    now: Date.UTC(2026, 0, 5, 12),
    ...changes,
  };
}

export function setOf(files: PolicyFiles, tools: readonly KnownTool[] = [refund]): PolicySet {
  const checked = checkPolicies(files, tools);
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
  return checked.set;
}

export const failures: string[] = [];
export const engineOf = (files: PolicyFiles, tools?: readonly KnownTool[]): Engine =>
  new Engine(setOf(files, tools), (why) => void failures.push(why));
export const withTeam = (text: string): PolicyFiles => ({ ...shipped, 'team.cedar': text });
