/** What a policy may look at, as Cedar's schema: the same for every tool, but for its arguments. */
import type { SchemaJson } from '@cedar-policy/cedar-wasm/nodejs';
import { roles } from '../core/flow/facts.ts';
import { anyTool, type Column, type Kind } from './kinds.ts';

export type Attributes = Readonly<Record<string, unknown>>;
type Namespace = SchemaJson<string>[string];

const string = { type: 'String' };
const long = { type: 'Long' };
const boolean = { type: 'Boolean' };
const strings = { type: 'Set', element: string };
const record = (attributes: Attributes): object => ({ type: 'Record', attributes });

const spent = record({ cents: long, tokens: long, calls: long });

/** All are required: where a fact is missing and a policy in force looks at it, the request does not fit, and that denies. */
const common: Attributes = {
  listed: string,
  environment: string,
  purpose: string,
  trace: string,
  reads: record({ untrusted: boolean, private: boolean, labels: strings }),
  spend: record({ task: spent, agent: spent }),
  time: record({ epoch: long, hour: long, weekday: long }),
};
/** Only a call of a tool can be approved: a policy that asks about anything else does not fit, and is refused. */
const ofTools: Attributes = {
  ...common,
  tier: string,
  labels: strings,
  approved: boolean,
  origin: record(Object.fromEntries(roles.map((role) => [role, strings]))),
  relevant: boolean,
  refused: boolean,
};
/** What a server is told with it, and in answer to a question of its own, goes out like arguments. */
const ofServers: Attributes = {
  ...common,
  method: string,
  name: string,
  says: boolean,
  origin: ofTools['origin'],
  refused: boolean,
};

/** Judged where it is issued, which knows nothing of values and of what was read. No tier either: it outlives the call that asked for it. */
const { trace: _trace, reads: _reads, ...ofNoFlow } = common;
const ofGrants: Attributes = { ...ofNoFlow, name: string, issued: string };

const resourceTypeOf = (kind: Kind): string => (kind === 'model' ? 'Model' : kind === 'grant' ? 'Connector' : 'Server');

function factsOf(column: Column): Attributes {
  switch (column) {
    case anyTool:
      return ofTools;
    case 'model':
      return common;
    case 'grant':
      return ofGrants;
    default:
      return ofServers;
  }
}

export interface ActionShape {
  /** `<server>/<tool>`. */
  readonly action: string;
  readonly serverId: string;
  readonly input:
    | { readonly record: object; readonly types: Pick<Namespace, 'entityTypes' | 'commonTypes'> }
    | undefined;
}

/** `wanted` leaves out what nobody looks at, so that it need not be sent. */
export function schemaFor(
  actions: readonly ActionShape[],
  wanted?: ReadonlySet<string>,
  kinds: readonly Kind[] = [],
): SchemaJson<string> {
  const known = (column: Column): Attributes =>
    Object.fromEntries(Object.entries(factsOf(column)).filter(([name]) => wanted?.has(name) ?? true));
  const servers = new Set(actions.map(({ serverId }) => serverId));
  const namespace = {
    commonTypes: Object.assign({}, ...actions.map(({ input }) => input?.types.commonTypes ?? {})) as object,
    entityTypes: {
      Agent: { memberOfTypes: ['Label'], shape: record({ owner: string }) },
      Label: {},
      Server: {},
      Connector: {},
      Model: { shape: record({ provider: string }) },
      ...(Object.assign({}, ...actions.map(({ input }) => input?.types.entityTypes ?? {})) as object),
    },
    actions: Object.fromEntries([
      [anyTool, {}],
      ...[...servers].map((serverId) => [`${serverId}/*`, { memberOf: [{ id: anyTool }] }]),
      ...actions.map(({ action, serverId, input }) => [
        action,
        {
          memberOf: [{ id: `${serverId}/*` }],
          appliesTo: {
            principalTypes: ['Agent'],
            resourceTypes: ['Server'],
            context: record({
              ...known(anyTool),
              ...(input === undefined || wanted?.has('input') === false ? {} : { input: input.record }),
            }),
          },
        },
      ]),
      ...kinds.map((kind) => [
        kind,
        {
          appliesTo: {
            principalTypes: ['Agent'],
            resourceTypes: [resourceTypeOf(kind)],
            context: record(known(kind)),
          },
        },
      ]),
    ]),
  };
  return { '': namespace as Namespace }; // built to that shape; the package's types know no readonly parts
}
