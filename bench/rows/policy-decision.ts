import { preparsePolicySet, preparseSchema, statefulIsAuthorized } from '@cedar-policy/cedar-wasm/nodejs';
import type { FlowFacts } from '../../src/core/flow/facts.ts';
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
    const context = { ...contextOf(request, parsed.set.reads.tool.context), approved: false };
    const staticPolicies = Object.fromEntries([...parsed.set.policies].map(([id, { json }]) => [id, json]));
    preparsePolicySet('bench', { staticPolicies });
    preparseSchema('bench', schemaFor([withoutArguments(request.tool)], parsed.set.reads.tool.context));
    const cedar = (): unknown =>
      statefulIsAuthorized({
        principal: { type: 'Agent', id: request.agent.agentId },
        action: { type: 'Action', id: 'billing/refund_payment' },
        resource: { type: 'Server', id: 'billing' },
        context,
        entities: entitiesOf(request),
        preparsedPolicySetId: 'bench',
        preparsedSchemaName: 'bench',
        validateRequest: true,
      });
    await alone();
    const rounds = quick ? 1_000 : 5_000;
    // Each by an agent of its own: a question that was asked before is not asked of Cedar again.
    let agents = 0;
    const fresh = () => engine.decide({ ...request, agent: { ...request.agent, agentId: `bot-${(agents += 1)}` } });
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

/** By turns, so that a machine that is slow for a moment is slow for both; the first tenth warms up. */
function interleaved(rounds: number, ...works: readonly (() => unknown)[]): readonly (readonly number[])[] {
  const times = works.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, work] of works.entries()) {
      const begun = performance.now();
      work();
      if (round > rounds / 10) times[index]?.push((performance.now() - begun) * 1_000);
    }
  }
  return times;
}
