/** The arguments of one tool as Cedar types, made by Cedar's own generator from the definition that was accepted. */
import { hash } from 'node:crypto';
import { createRequire } from 'node:module';
import type { ActionShape } from './fact-schema.ts';

export interface KnownTool {
  readonly serverId: string;
  readonly name: string;
  readonly inputSchema: unknown;
}

export const actionOf = (tool: { readonly serverId: string; readonly name: string }): string =>
  `${tool.serverId}/${tool.name}`;

/** The smallest thing the generator makes a schema around; its own types are replaced by ours. */
const stub = `namespace Estop {
  @mcp_principal entity Agent;
  @mcp_resource entity Server;
  action "call_tool" appliesTo { principal: [Agent], resource: [Server] };
}`;
const settings = JSON.stringify({ objectsAsRecords: true, flattenNamespaces: true });
const ours = new Set(['Agent', 'Server']);

export const withoutArguments = (tool: KnownTool): ActionShape => ({
  action: actionOf(tool),
  serverId: tool.serverId,
  input: undefined,
});

/** A schema that the generator does not understand leaves the tool without arguments: a policy that looks at them does not validate. */
export function shapeOf(tool: KnownTool): ActionShape {
  const name = typeName(tool);
  const made = generated(name, tool.inputSchema);
  if (made === undefined) return withoutArguments(tool);
  const { commonTypes = {}, entityTypes = {} } = made;
  const { [`${name}Input`]: record, ...rest } = commonTypes as Record<string, object>; // JSON of the generator
  if (record === undefined) return withoutArguments(tool);
  const others = Object.fromEntries(Object.entries(entityTypes).filter(([type]) => !ours.has(type)));
  return {
    action: actionOf(tool),
    serverId: tool.serverId,
    input: { record, types: { commonTypes: rest as never, entityTypes: others } },
  };
}

interface Made {
  readonly commonTypes?: object;
  readonly entityTypes?: object;
}

function generated(name: string, inputSchema: unknown): Made | undefined {
  try {
    const answer = JSON.parse(
      generator()(stub, JSON.stringify([{ name, description: '', inputSchema }]), settings),
    ) as {
      readonly isOk: boolean;
      readonly schemaJson: string | null;
    }; // as its README says
    if (!answer.isOk || answer.schemaJson === null) return undefined;
    return (JSON.parse(answer.schemaJson, unqualified) as { readonly Estop?: Made }).Estop;
  } catch {
    return undefined; // it panics on what it cannot hold; nothing of it is used then
  }
}

/** Our schema has no namespace, so that policies need not repeat one in each line. */
function unqualified(key: string, value: unknown): unknown {
  return (key === 'name' || key === 'type') && typeof value === 'string' ? value.replace(/^Estop::/, '') : value;
}

/** 3.8 MB that only a policy on arguments needs: loaded when the first tool is shaped. */
let loaded: ((stub: string, tools: string, settings: string) => string) | undefined;
function generator(): NonNullable<typeof loaded> {
  loaded ??= (
    createRequire(import.meta.url)('@cedar-policy/mcp-schema-generator-wasm') as {
      generateSchema: NonNullable<typeof loaded>;
    }
  ).generateSchema; // its own declaration
  return loaded;
}

/** The same wherever it is made: the name of an enumeration's type stands in policies. */
function typeName({ serverId, name }: KnownTool): string {
  const listed = `${serverId}__${name}`;
  if (/^[a-z]\w*$/.test(listed)) return listed;
  return `t_${listed.replaceAll(/\W/g, '_')}_${hash('sha256', listed).slice(0, 6)}`;
}
