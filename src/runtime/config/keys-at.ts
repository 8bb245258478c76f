import { z } from 'zod';

type Path = readonly (string | number)[];
type Node = Readonly<Record<string, unknown>>;

/** Which keys a schema knows at a place of what it reads, in every form that may stand there. */
export function keysAt(schema: z.ZodType, path: Path): readonly string[] {
  const root = nodeOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
  const formsOf = (node: Node): readonly Node[] => {
    const reference = /^#\/\$defs\/(.+)$/.exec(String(node['$ref']))?.[1];
    const named = reference === undefined ? [] : [nodeOf(nodeOf(root['$defs'])[reference])];
    const others = ['anyOf', 'oneOf', 'allOf'].flatMap((key) => listOf(node[key]));
    return [node, ...[...named, ...others].flatMap(formsOf)];
  };
  let here = formsOf(root);
  for (const step of path) here = here.flatMap((node) => belowOf(node, step)).flatMap(formsOf);
  return [...new Set(here.flatMap((node) => Object.keys(nodeOf(node['properties']))))];
}

function belowOf(node: Node, step: string | number): readonly Node[] {
  if (typeof step === 'number') return [nodeOf(node['items'])];
  const properties = nodeOf(node['properties']);
  return [nodeOf(Object.hasOwn(properties, step) ? properties[step] : node['additionalProperties'])];
}

const nodeOf = (value: unknown): Node => (typeof value === 'object' && value !== null ? { ...value } : {});
const listOf = (value: unknown): readonly Node[] => (Array.isArray(value) ? value.map(nodeOf) : []);
