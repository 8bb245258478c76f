import type { CedarValueJson, Context, EntityJson } from '@cedar-policy/cedar-wasm/nodejs';
import { roles } from '../core/flow/facts.ts';
import type { PolicyRequest, Trace } from './request.ts';

/** Of values that nothing is known of, and of no other: no policy that lists what it lets pass lists this. */
const unknownOrigins = Object.fromEntries(roles.map((role) => [role, ['unknown']]));

const factsOf = (flow: Trace) => (flow.kind === 'known' ? flow.judgement.facts : undefined);

type Fact = (request: PolicyRequest) => CedarValueJson | undefined;

const facts: Readonly<Record<string, Fact>> = {
  tier: ({ tier }) => tier,
  labels: ({ labels }) => labels && [...labels],
  listed: ({ listed }) => listed,
  environment: ({ environment }) => environment,
  purpose: ({ purpose }) => purpose,
  trace: ({ flow }) => (flow.kind === 'known' ? flow.kind : flow.why),
  origin: ({ flow }) => {
    const origin = factsOf(flow)?.origin;
    return origin === undefined ? unknownOrigins : Object.fromEntries(roles.map((role) => [role, [...origin[role]]]));
  },
  relevant: ({ flow }) => factsOf(flow)?.relevant ?? false,
  refused: ({ flow }) => flow.kind === 'known' && flow.judgement.findings.some(({ refused }) => refused),
  reads: ({ flow }) => {
    const { untrusted = true, private: secret = true, labels = [] } = factsOf(flow)?.reads ?? {};
    return { untrusted, private: secret, labels: [...labels] };
  },
  spend: ({ spend }) => spend && { ...spend },
  time: ({ now }) => {
    const at = new Date(now);
    return { epoch: Math.floor(now / 1_000), hour: at.getUTCHours(), weekday: at.getUTCDay() };
  },
};

/** The facts that are wanted; one that is not known is left out, and the request then does not fit the schema. */
export function contextOf(request: PolicyRequest, wanted: ReadonlySet<string>): Context {
  const context: Context = {};
  for (const [name, fact] of Object.entries(facts)) {
    const value = wanted.has(name) ? fact(request) : undefined;
    if (value !== undefined) context[name] = value;
  }
  return context;
}

export function entitiesOf({ agent, tool }: PolicyRequest): EntityJson[] {
  const labels = Object.entries(agent.labels).map(([key, value]) => ({ type: 'Label', id: `${key}=${value}` }));
  return [
    { uid: { type: 'Agent', id: agent.agentId }, attrs: { owner: agent.owner }, parents: labels },
    { uid: { type: 'Server', id: tool.serverId }, attrs: {}, parents: [] },
  ];
}
