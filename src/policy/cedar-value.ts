import type { CedarValueJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { ActionShape } from './fact-schema.ts';

/** What Cedar cannot hold is no reason to leave it out: a policy that looks at it would then not see it, and might allow. */
export class NotHeld extends Error {}

type Shape = NonNullable<ActionShape['input']>;
const deepest = 12;

/** Arguments as Cedar values; `wanted` are those that a policy looks at. Throws NotHeld. */
export function inputValue(
  args: Readonly<Record<string, unknown>>,
  shape: Shape,
  wanted: ReadonlySet<string> | 'all',
): Record<string, CedarValueJson> {
  const attributes = attributesOf(shape.record);
  const held: Record<string, CedarValueJson> = {};
  for (const [name, type] of Object.entries(attributes)) {
    if (wanted !== 'all' && !wanted.has(name)) continue;
    const given = Object.hasOwn(args, name) ? args[name] : undefined;
    if (given !== undefined) held[name] = valueOf(given, type, shape, name, 0);
  }
  return held;
}

/** The record type without what nobody looks at. */
export function inputRecord(shape: Shape, wanted: ReadonlySet<string> | 'all'): object {
  if (wanted === 'all') return shape.record;
  const kept = Object.entries(attributesOf(shape.record)).filter(([name]) => wanted.has(name));
  return { type: 'Record', attributes: Object.fromEntries(kept) };
}

interface Type {
  readonly type?: string;
  readonly name?: string;
  readonly element?: Type;
  readonly attributes?: Readonly<Record<string, Type>>;
}

const attributesOf = (record: object): Readonly<Record<string, Type>> => (record as Type).attributes ?? {}; // JSON of the generator

function valueOf(value: unknown, type: Type, shape: Shape, name: string, depth: number): CedarValueJson {
  const fault = (): NotHeld =>
    new NotHeld(`a policy looks at the argument ${name}, which no policy language value can hold`);
  if (depth > deepest) throw fault();
  const kind = type.type === 'EntityOrCommon' || type.type === 'Entity' ? (type.name ?? '') : (type.type ?? '');
  switch (kind) {
    case 'String':
      if (typeof value === 'string') return value;
      throw fault();
    case 'Long':
      if (Number.isSafeInteger(value)) return value as number; // just asked
      throw fault();
    case 'Bool':
    case 'Boolean':
      if (typeof value === 'boolean') return value;
      throw fault();
    case 'Set': {
      const { element } = type;
      if (!Array.isArray(value) || element === undefined) throw fault();
      return value.map((one) => valueOf(one, element, shape, name, depth + 1));
    }
    case 'Record':
      return recordOf(value, type.attributes ?? {}, shape, name, depth, fault);
    default:
      return namedType(kind, value, shape, name, depth, fault);
  }
}

function namedType(
  kind: string,
  value: unknown,
  shape: Shape,
  name: string,
  depth: number,
  fault: () => NotHeld,
): CedarValueJson {
  const { commonTypes = {}, entityTypes } = shape.types;
  const common = Object.hasOwn(commonTypes, kind) ? (commonTypes[kind] as Type) : undefined; // JSON of the generator
  if (common !== undefined) return valueOf(value, common, shape, name, depth + 1);
  const entity = Object.hasOwn(entityTypes, kind) ? entityTypes[kind] : undefined;
  const members = entity !== undefined && 'enum' in entity ? (entity.enum as unknown as readonly string[]) : []; // its NonEmpty is mistyped
  if (typeof value === 'string' && members.includes(value)) return { __entity: { type: kind, id: value } };
  throw fault();
}

function recordOf(
  value: unknown,
  attributes: Readonly<Record<string, Type>>,
  shape: Shape,
  name: string,
  depth: number,
  fault: () => NotHeld,
): CedarValueJson {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fault();
  const held: Record<string, CedarValueJson> = {};
  for (const [key, given] of Object.entries(value)) {
    const type = Object.hasOwn(attributes, key) ? attributes[key] : undefined;
    if (type === undefined) throw fault();
    held[key] = valueOf(given, type, shape, name, depth + 1);
  }
  return held;
}
