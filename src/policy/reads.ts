/** Which facts a set of policies looks at. Found in the parsed policy, never in its text. */
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { type Column, columnOf } from './kinds.ts';

export interface Reads {
  /** Attributes of the context. */
  readonly context: ReadonlySet<string>;
  /** Arguments of the call (`context.input.<name>`); `all` when the record is used as a whole. */
  readonly input: ReadonlySet<string> | 'all';
  /** Who asks: its id, owner or labels. Where nobody looks at that, all agents are one. */
  readonly agent: boolean;
}

/** Those that can have a say there: by the head of each, whatever its conditions add. */
export function policiesFor<Of extends { readonly json: PolicyJson }>(
  column: Column,
  policies: readonly Of[],
): readonly Of[] {
  return policies.filter(({ json: { action } }) => {
    if (action.op === 'All') return true;
    const named = 'entities' in action ? action.entities : 'entity' in action ? [action.entity] : undefined;
    return named === undefined || named.some((one) => columnOf(('__entity' in one ? one.__entity : one).id) === column);
  });
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
  const agent = policies.some(({ json }) => json.principal.op !== 'All' || names(json.conditions, 'principal'));
  if (wholeContext) return { context: new Set([...context, ...contextAttributes]), input: 'all', agent };
  return { context, input: wholeInput ? 'all' : input, agent };
}

function names(node: unknown, variable: string): boolean {
  if (typeof node !== 'object' || node === null) return false;
  return Reflect.get(node, 'Var') === variable || Object.values(node).some((part) => names(part, variable));
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
