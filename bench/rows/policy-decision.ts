import { preparsePolicySet, preparseSchema, statefulIsAuthorized } from '@cedar-policy/cedar-wasm/nodejs';
import type { FlowFacts, Origin } from '../../src/core/flow/facts.ts';
import { replay } from '../../src/core/flow/replay.ts';
import { contextOf, entitiesOf } from '../../src/policy/context.ts';
import { Engine } from '../../src/policy/engine.ts';
import { schemaFor } from '../../src/policy/fact-schema.ts';
import { type PolicySet, parsePolicySet } from '../../src/policy/parse-set.ts';
import { readPolicyFolder } from '../../src/policy/read-folder.ts';
import type { PolicyRequest } from '../../src/policy/request.ts';
import { actionOf, type KnownTool, withoutArguments } from '../../src/policy/tool-shape.ts';
import { policiesFolder } from '../../src/runtime/package-root.ts';
import { hash } from '../efficacy/measure.ts';
import { readUnseen } from '../efficacy/unseen.ts';
import { type Figure, figure, percentile } from '../figure.ts';
import type { Row } from '../row.ts';

/**
 * One decision by the policies that come with estop, in process: with its facts and its checks, and what of it is Cedar. The bar is
 * for what gateways decide, call by call, by an engine that began with nothing remembered, without the first tenth of the calls;
 * beside it the dearest, one that was never asked in any form.
 */
export const policyDecision: Row = {
  name: 'policy-decision',
  needs: 'nothing',
  run: async ({ quick, alone }): Promise<readonly Figure[]> => {
    const parsed = parsePolicySet(readPolicyFolder(policiesFolder));
    if (!parsed.ok) throw new Error('the policies that come with estop cannot be read');
    const engine = (): Engine => new Engine(parsed.set, () => undefined);
    const recorded = recordedRequests();
    const cedar = cedarAlone(parsed.set);
    for (const { tool } of recorded) cedar.prepare(tool);
    await alone();

    const live = engine();
    const calls = quick ? recorded.filter((_, index) => index % 2 === 0) : recorded;
    const [decided = [], asked = []] = interleaved(calls, live.decide.bind(live), cedar.ask);

    const cold = engine();
    const strange = Array.from({ length: quick ? 500 : 5_000 }, (_, round) => requestWith(round));
    const [fresh = [], alike = []] = interleaved(strange, cold.decide.bind(cold), cedar.ask);
    return [
      figure({
        name: `decision, p50 of ${calls.length} recorded calls`,
        value: percentile(decided, 50),
        unit: 'µs',
        rival: percentile(asked, 50),
        rivalName: `Cedar alone, asked each of them; p99 of ours ${percentile(decided, 99).toFixed(0)} µs`,
        bar: '<= 200 µs',
        holds: (value) => value <= 200,
      }),
      figure({
        name: 'decision on facts that were never there before, p50',
        value: percentile(fresh, 50),
        unit: 'µs',
        rival: percentile(alike, 50),
        rivalName: 'Cedar alone',
        bar: '-',
        holds: () => true,
      }),
    ];
  },
};

/** As the gateway would ask, in the order of the recordings, every question answered with yes. */
function recordedRequests(): readonly PolicyRequest[] {
  const { runs, profiles } = readUnseen();
  const requests: PolicyRequest[] = [];
  for (const run of runs) {
    replay(run, profiles.get(run.tools) ?? new Map(), {
      hash,
      assume: 'allow',
      decide: (judgement, { profile, args }) => {
        requests.push({
          ...request,
          tool: { serverId: run.tools, name: profile.name, inputSchema: undefined },
          args,
          tier: judgement.tier,
          labels: profile.labels,
          flow: { kind: 'known', judgement },
        });
        return { decision: 'allow', reasons: [] };
      },
    });
  }
  return requests;
}

/** Every policy and all that is known of the agent, as one who does not know the policies has to ask. */
function cedarAlone(set: PolicySet): {
  readonly prepare: (tool: KnownTool) => void;
  readonly ask: (request: PolicyRequest) => unknown;
} {
  const { context } = set.reads.tool;
  preparsePolicySet('bench', {
    staticPolicies: Object.fromEntries([...set.policies].map(([id, { json }]) => [id, json])),
  });
  const prepare = (tool: KnownTool): void =>
    void preparseSchema(`bench ${actionOf(tool)}`, schemaFor([withoutArguments(tool)], context));
  prepare(request.tool);
  return {
    prepare,
    ask: (asked) =>
      statefulIsAuthorized({
        principal: { type: 'Agent', id: asked.agent.agentId },
        action: { type: 'Action', id: actionOf(asked.tool) },
        resource: { type: 'Server', id: asked.tool.serverId },
        context: { ...contextOf(asked, context), approved: false },
        entities: entitiesOf(asked),
        preparsedPolicySetId: 'bench',
        preparsedSchemaName: `bench ${actionOf(asked.tool)}`,
        validateRequest: true,
      }),
  };
}

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
  requests: readonly PolicyRequest[],
  ...works: readonly ((request: PolicyRequest) => unknown)[]
): readonly (readonly number[])[] {
  const times = works.map((): number[] => []);
  for (const [round, asked] of requests.entries()) {
    for (const [index, work] of works.entries()) {
      const begun = performance.now();
      work(asked);
      if (round > requests.length / 10) times[index]?.push((performance.now() - begun) * 1_000);
    }
  }
  return times;
}
