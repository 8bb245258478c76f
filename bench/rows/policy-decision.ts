import { preparsePolicySet, preparseSchema, statefulIsAuthorized } from '@cedar-policy/cedar-wasm/nodejs';
import type { FlowFacts, Origin } from '../../src/core/flow/facts.ts';
import { contextOf, entitiesOf } from '../../src/policy/context.ts';
import { Engine } from '../../src/policy/engine.ts';
import { schemaFor } from '../../src/policy/fact-schema.ts';
import { parsePolicySet } from '../../src/policy/parse-set.ts';
import { readPolicyFolder } from '../../src/policy/read-folder.ts';
import type { PolicyRequest } from '../../src/policy/request.ts';
import { withoutArguments } from '../../src/policy/tool-shape.ts';
import { policiesFolder } from '../../src/runtime/package-root.ts';
import { type Figure, figure, percentile } from '../figure.ts';
import type { Row } from '../row.ts';

/** One decision by the policies that come with estop, in process: with its facts and its checks, and what of it is Cedar. */
export const policyDecision: Row = {
  name: 'policy-decision',
  needs: 'nothing',
  run: async ({ quick, alone }): Promise<readonly Figure[]> => {
    const parsed = parsePolicySet(readPolicyFolder(policiesFolder));
    if (!parsed.ok) throw new Error('the policies that come with estop cannot be read');
    const engine = new Engine(parsed.set, () => undefined);
    const staticPolicies = Object.fromEntries([...parsed.set.policies].map(([id, { json }]) => [id, json]));
    preparsePolicySet('bench', { staticPolicies });
    preparseSchema('bench', schemaFor([withoutArguments(request.tool)], parsed.set.reads.tool.context));
    // Every policy and all that is known of the agent, as one who does not know the policies has to ask.
    const cedar = (round: number): unknown =>
      statefulIsAuthorized({
        principal: { type: 'Agent', id: request.agent.agentId },
        action: { type: 'Action', id: 'billing/refund_payment' },
        resource: { type: 'Server', id: 'billing' },
        context: { ...contextOf(requestWith(round), parsed.set.reads.tool.context), approved: false },
        entities: entitiesOf(request),
        preparsedPolicySetId: 'bench',
        preparsedSchemaName: 'bench',
        validateRequest: true,
      });
    await alone();
    const rounds = quick ? 1_000 : 5_000;
    // Each with facts of its own: a question that was asked before is not asked of Cedar again.
    const fresh = (round: number) => engine.decide(requestWith(round));
    const [ours = [], theirs = [], again = []] = interleaved(rounds, fresh, cedar, () => engine.decide(request));
    return [
      figure({
        name: 'decision by the default policies, p50',
        value: percentile(ours, 50),
        unit: 'µs',
        rival: percentile(theirs, 50),
        rivalName: 'Cedar alone',
        bar: '<= 200 µs',
        holds: (value) => value <= 200,
      }),
      figure({
        name: 'the same decision again, p50',
        value: percentile(again, 50),
        unit: 'µs',
        rival: percentile(theirs, 50),
        rivalName: 'Cedar alone',
        bar: '-',
        holds: () => true,
      }),
    ];
  },
};

const facts: FlowFacts = {
  origin: { party: ['request'], url: [], path: [], secret: [], ref: ['field'], text: ['request'] },
  relevant: true,
  reads: { untrusted: true, private: true, labels: ['private', 'untrusted'] },
};

const request: PolicyRequest = {
  agent: { agentId: 'billing-bot', owner: 'olga@example.com', labels: { team: 'billing', stage: 'live' } },
  tool: { serverId: 'billing', name: 'refund_payment', inputSchema: { type: 'object' } },
  args: { invoice_id: 'INV-1', cents: 1_200 },
  listed: 'wildcard',
  tier: 'destructive',
  labels: ['private'],
  environment: 'bench',
  flow: { kind: 'known', judgement: { facts, findings: [] } },
  now: 0,
};

const passing: readonly (readonly [keyof FlowFacts['origin'], readonly Origin[]])[] = [
  ['party', ['request', 'file', 'own', 'contact', 'approved']],
  ['url', ['request', 'person', 'own', 'contact', 'approved']],
  ['path', ['request', 'own', 'approved']],
  ['secret', ['request', 'file', 'field', 'own', 'approved']],
  ['ref', ['request', 'file', 'field', 'person', 'nowhere', 'own', 'contact', 'approved']],
  ['text', ['request', 'file', 'field', 'person', 'own', 'contact', 'approved']],
];

/** One origin or none for each role, no two rounds of a run the same; each is allowed, by one evaluation. */
function requestWith(round: number): PolicyRequest {
  let rest = round;
  const origin: Record<keyof FlowFacts['origin'], readonly Origin[]> = { ...facts.origin };
  for (const [role, origins] of passing) {
    const at = rest % (origins.length + 1);
    rest = Math.floor(rest / (origins.length + 1));
    origin[role] = origins.slice(at, at + 1);
  }
  return { ...request, flow: { kind: 'known', judgement: { facts: { ...facts, origin }, findings: [] } } };
}

/** By turns, so that a machine that is slow for a moment is slow for both; the first tenth warms up. */
function interleaved(
  rounds: number,
  ...works: readonly ((round: number) => unknown)[]
): readonly (readonly number[])[] {
  const times = works.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, work] of works.entries()) {
      const begun = performance.now();
      work(round);
      if (round > rounds / 10) times[index]?.push((performance.now() - begun) * 1_000);
    }
  }
  return times;
}
