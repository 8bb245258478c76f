import type { CedarValueJson, Context, EntityJson } from '@cedar-policy/cedar-wasm/nodejs';
import { roles } from '../core/flow/facts.ts';
import type { Reads } from './reads.ts';
import type { KindRequest, Known, PolicyRequest, Trace } from './request.ts';
import type { KnownTool } from './tool-shape.ts';

/** Of values that nothing is known of, and of no other: no policy that lists what it lets pass lists this. */
const unknownOrigins = Object.fromEntries(roles.map((role) => [role, ['unknown']]));

const factsOf = (flow: Trace) => (flow.kind === 'known' ? flow.judgement.facts : undefined);

/** Of either: what the other has is not known. */
type Request = Known &
  Partial<Pick<PolicyRequest, 'tier' | 'labels'> & Pick<KindRequest, 'method' | 'name' | 'says' | 'issued'>>;
type Fact = (request: Request) => CedarValueJson | undefined;

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
  spend: ({ spend }) => spend && { task: { ...spend.task }, agent: { ...spend.agent } },
  method: ({ method }) => method,
  name: ({ name }) => name,
  says: ({ says }) => says,
  issued: ({ issued }) => issued,
  time: ({ now }) => {
    const at = new Date(now);
    return { epoch: Math.floor(now / 1_000), hour: at.getUTCHours(), weekday: at.getUTCDay() };
  },
};

/** The facts that are wanted; one that is not known is left out, and the request then does not fit the schema. */
export function contextOf(request: Request, wanted: ReadonlySet<string>): Context {
  const context: Context = {};
  for (const [name, fact] of Object.entries(facts)) {
    const value = wanted.has(name) ? fact(request) : undefined;
    if (value !== undefined) context[name] = value;
  }
  return context;
}

export function entitiesOf({ agent, tool }: Pick<PolicyRequest, 'agent' | 'tool'>): EntityJson[] {
  return [agentEntity(agent), { uid: { type: 'Server', id: tool.serverId }, attrs: {}, parents: [] }];
}

export function kindEntitiesOf({ agent, resource }: Pick<KindRequest, 'agent' | 'resource'>): EntityJson[] {
  const { type, id } = resource;
  const attrs = resource.type === 'Model' ? { provider: resource.provider } : {};
  return [agentEntity(agent), { uid: { type, id }, attrs, parents: [] }];
}

/** Stands for every agent where no policy looks at who asks: less to parse, and one answer for all. */
const anyAgent: Known['agent'] = { agentId: 'any', owner: '', labels: {} };
export const seenAgent = (agent: Known['agent'], { agent: looked }: Reads): Known['agent'] =>
  looked ? agent : anyAgent;

/** The same of every tool: no name of a server has a blank, so that this is none of them. Whose arguments are looked at is looked at. */
const someTool: KnownTool = { serverId: 'any server', name: 'any', inputSchema: undefined };
export const seenTool = (tool: KnownTool, { target, context }: Reads): KnownTool =>
  target || context.has('input') ? tool : someTool;

function agentEntity({ agentId, owner, labels }: Known['agent']): EntityJson {
  const parents = Object.entries(labels).map(([key, value]) => ({ type: 'Label', id: `${key}=${value}` }));
  return { uid: { type: 'Agent', id: agentId }, attrs: { owner }, parents };
}
