/** Which facts a set of policies looks at. Found in the parsed policy, never in its text. */
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { anyTool, type Column, columnOf } from './kinds.ts';

export interface Reads {
  /** Attributes of the context. */
  readonly context: ReadonlySet<string>;
  /** Arguments of the call (`context.input.<name>`); `all` when the record is used as a whole. */
  readonly input: ReadonlySet<string> | 'all';
  /** Who asks: its id, owner or labels. Where nobody looks at that, all agents are one. */
  readonly agent: boolean;
  /** What is asked for: which tool, of which server. Where nobody looks at that, all are one. */
  readonly target: boolean;
}

/** Those that can have a say there: by the head of each, whatever its conditions add. */
export function policiesFor<Of extends { readonly json: PolicyJson }>(
  column: Column,
  policies: readonly Of[],
): readonly Of[] {
  return policies.filter(
    ({ json: { action } }) => action.op === 'All' || (namedBy(action)?.some((id) => columnOf(id) === column) ?? true),
  );
}

/**
 * Undecided is read: whoever uses the context, or the arguments, in another way than by naming an attribute of it is given the
 * whole. So a fact is left out only where no policy can tell the difference.
 */
export function readsOf(policies: readonly { readonly json: PolicyJson }[]): Reads {
  const context = new Set<string>();
  const input = new Set<string>();
  let wholeContext = false;
  let wholeInput = false;
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(walk);
    if (typeof node !== 'object' || node === null) return;
    const argument = attributeOf(node, isInput);
    if (argument !== undefined) {
      context.add('input');
      input.add(argument);
      return;
    }
    const attribute = attributeOf(node, isContext);
    if (attribute !== undefined) {
      context.add(attribute);
      const tested = attribute === 'input' ? pathTested(node) : undefined;
      if (tested !== undefined) for (const name of tested.slice(1, 2)) input.add(name);
      // Reached only where nothing more was named of it; `has input` is not a use of the arguments.
      else if (attribute === 'input') wholeInput = true;
      return;
    }
    if (isContext(node)) wholeContext = true;
    for (const part of Object.values(node)) walk(part);
  };
  for (const { json } of policies) walk(json.conditions);
  const agent = policies.some(({ json }) => json.principal.op !== 'All' || names(json.conditions, ofAgents));
  const target = policies.some(
    ({ json }) => !anyAction(json.action) || json.resource.op !== 'All' || names(json.conditions, ofTargets),
  );
  if (wholeContext) return { context: new Set([...context, ...contextAttributes]), input: 'all', agent, target };
  return { context, input: wholeInput ? 'all' : input, agent, target };
}

/** Variables, and the types of entities: what is said of one by its name follows from which of them the request brings. */
const ofAgents: ReadonlySet<unknown> = new Set(['principal', 'Agent', 'Label']);
const ofTargets: ReadonlySet<unknown> = new Set(['action', 'resource', 'Action', 'Server', 'Model', 'Connector']);

function names(node: unknown, wanted: ReadonlySet<unknown>): boolean {
  if (typeof node !== 'object' || node === null) return false;
  if (wanted.has(Reflect.get(node, 'Var')) || wanted.has(Reflect.get(node, 'type'))) return true;
  return Object.values(node).some((part) => names(part, wanted));
}

/** A head that holds for every tool alike; the other actions are no tools. */
function anyAction(action: PolicyJson['action']): boolean {
  return action.op === 'All' || namedBy(action)?.every((id) => id === anyTool || columnOf(id) !== anyTool) === true;
}

function namedBy(action: PolicyJson['action']): readonly string[] | undefined {
  const named = 'entities' in action ? action.entities : 'entity' in action ? [action.entity] : undefined;
  return named?.map((one) => ('__entity' in one ? one.__entity : one).id);
}

/** Every attribute that the schema declares. */
export const contextAttributes = [
  'tier',
  'labels',
  'listed',
  'approved',
  'environment',
  'purpose',
  'trace',
  'origin',
  'relevant',
  'refused',
  'reads',
  'spend',
  'time',
  'method',
  'name',
  'says',
  'issued',
  'input',
] as const;

const isContext = (node: unknown): boolean =>
  typeof node === 'object' && node !== null && 'Var' in node && node.Var === 'context';
const isInput = (node: unknown): boolean => attributeOf(node, isContext) === 'input';

/** The name of the attribute, where this node reads or tests one of what `of` recognises. */
function attributeOf(node: unknown, of: (left: unknown) => boolean): string | undefined {
  if (typeof node !== 'object' || node === null) return undefined;
  for (const way of ['.', 'has'] as const) {
    const access: unknown = way in node ? Reflect.get(node, way) : undefined;
    if (typeof access !== 'object' || access === null || !('left' in access) || !('attr' in access)) continue;
    if (!of(access.left)) continue;
    const name: unknown = Array.isArray(access.attr) ? access.attr[0] : access.attr;
    if (typeof name === 'string') return name;
  }
  return undefined;
}

/** `context has input.amount` lists the whole path; undefined for what is no test. */
function pathTested(node: object): readonly string[] | undefined {
  const test: unknown = Reflect.get(node, 'has');
  if (typeof test !== 'object' || test === null || !('attr' in test)) return undefined;
  return [test.attr].flat().filter((name) => typeof name === 'string');
}
