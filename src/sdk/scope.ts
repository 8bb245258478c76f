import { nameCodePoint } from '../contract/printable.ts';
import { EstopError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import {
  agentKey,
  connectorKey,
  fleetKey,
  modelKey,
  parseScopeKey,
  type ScopeKey,
  taskKey,
} from '../core/scope-key.ts';

/** What to stop: exactly one of these. */
export type StopTarget =
  | { readonly fleet: true }
  | { readonly agent: string }
  | { readonly task: string }
  /** `name=value` */
  | { readonly label: string }
  /** `server/tool` */
  | { readonly tool: string }
  | { readonly connector: string }
  | { readonly model: string }
  /** A whole scope key, as stops and tokens carry it. */
  | { readonly scope: string };

export function scopeKeyOf(target: StopTarget): ScopeKey {
  // Of a program without types: an order for a stop is either understood or refused in words, never a TypeError.
  if (typeof target !== 'object' || target === null) throw new EstopError('invalid-input', { detail: aTarget });
  const key = format(target);
  if (parseScopeKey(key) === undefined) throw new EstopError('invalid-input', { detail: whatWouldBeRight(target) });
  return key;
}

const name = 'has only a-z, 0-9 and "-", at most 63 of them';
const shapes = {
  fleet: 'The fleet is true.',
  agent: `An agent id ${name}.`,
  task: 'A task id looks like task_dev_ and 26 letters and digits.',
  label: 'A label looks like team=finance.',
  tool: 'A tool looks like server/tool.',
  connector: `The name of a connector ${name}.`,
  model: 'The name of a model has only letters, digits and . _ : / -, at most 128 of them.',
  scope: 'A scope looks like fleet, agent:A, task:T, label:k=v, tool:S/T, connector:C or model:M.',
} as const;

const aTarget =
  "What is stopped looks like { agent: 'billing-bot' }, { fleet: true } or { scope: 'label:team=finance' }.";

/** With the first character that looks like another or like nothing, which nobody would find. */
function whatWouldBeRight(target: StopTarget): string {
  for (const [kind, shape] of Object.entries(shapes)) {
    if (!Object.hasOwn(target, kind)) continue;
    const characters = [...String(Object.entries(target).find(([key]) => key === kind)?.[1])];
    const at = characters.findIndex((character) => !/[\x21-\x7e]/.test(character));
    if (at < 0) return `${shape}${kind === 'scope' ? meant(characters.join('')) : ''}`;
    return `${shape} Character ${at + 1} of this one is ${nameCodePoint(characters[at] ?? '')}.`;
  }
  return shapes.scope;
}

function meant(scope: string): string {
  const [kind = '', ...value] = scope.split(':');
  const near = nearest(kind, Object.keys(shapes));
  const key = [near, ...value].join(':');
  return near === undefined || parseScopeKey(key) === undefined ? '' : ` Did you mean ${key}?`;
}

function format(target: StopTarget): ScopeKey {
  if (has(target, 'fleet')) return target.fleet === true ? fleetKey : '';
  if (has(target, 'scope')) return target.scope;
  if (has(target, 'agent')) return agentKey(target.agent);
  if (has(target, 'task')) return taskKey(target.task);
  if (has(target, 'connector')) return connectorKey(target.connector);
  if (has(target, 'model')) return modelKey(target.model);
  return has(target, 'label') ? `label:${target.label}` : `tool:${target.tool}`;
}

/** A key without a value is none: `fleet: false` beside an agent stops that agent. */
function has<Kind extends keyof typeof shapes>(
  target: StopTarget,
  kind: Kind,
): target is Extract<StopTarget, Record<Kind, unknown>> {
  const value: unknown = Reflect.get(target, kind);
  return value !== undefined && value !== false;
}
