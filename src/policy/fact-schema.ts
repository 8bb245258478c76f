/** What a policy may look at, as Cedar's schema: the same for every tool, but for its arguments. */
import type { SchemaJson } from '@cedar-policy/cedar-wasm/nodejs';
import { roles } from '../core/flow/facts.ts';

export type Attributes = Readonly<Record<string, unknown>>;
type Namespace = SchemaJson<string>[string];

const string = { type: 'String' };
const long = { type: 'Long' };
const boolean = { type: 'Boolean' };
const strings = { type: 'Set', element: string };
const record = (attributes: Attributes): object => ({ type: 'Record', attributes });

/** All are required: where a fact is missing and a policy in force looks at it, the request does not fit, and that denies. */
const facts: Attributes = {
  tier: string,
  labels: strings,
  listed: string,
  approved: boolean,
  environment: string,
  purpose: string,
  trace: string,
  origin: record(Object.fromEntries(roles.map((role) => [role, strings]))),
  relevant: boolean,
  refused: boolean,
  reads: record({ untrusted: boolean, private: boolean, labels: strings }),
  spend: record({ cents: long, tokens: long, calls: long }),
  time: record({ epoch: long, hour: long, weekday: long }),
};

export const anyTool = 'tool';

export interface ActionShape {
  /** `<server>/<tool>`. */
  readonly action: string;
  readonly serverId: string;
  readonly input:
    | { readonly record: object; readonly types: Pick<Namespace, 'entityTypes' | 'commonTypes'> }
    | undefined;
}

/** `wanted` leaves out what nobody looks at, so that it need not be sent. */
export function schemaFor(actions: readonly ActionShape[], wanted?: ReadonlySet<string>): SchemaJson<string> {
  const known = Object.entries(facts).filter(([name]) => wanted?.has(name) ?? true);
  const servers = new Set(actions.map(({ serverId }) => serverId));
  const namespace = {
    commonTypes: Object.assign({}, ...actions.map(({ input }) => input?.types.commonTypes ?? {})) as object,
    entityTypes: {
      Agent: { memberOfTypes: ['Label'], shape: record({ owner: string }) },
      Label: {},
      Server: {},
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
              ...Object.fromEntries(known),
              ...(input === undefined || wanted?.has('input') === false ? {} : { input: input.record }),
            }),
          },
        },
      ]),
    ]),
  };
  return { '': namespace as Namespace }; // built to that shape; the package's types know no readonly parts
}
