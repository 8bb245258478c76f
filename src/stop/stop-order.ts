import { categoryOneGraceMs } from '../contract/numbers.ts';
import type { StopCategory, StopMethod, StopOrder } from '../contract/stop.ts';
import { EstopError, type FieldError } from '../core/errors.ts';
import { isId, parseId } from '../core/ids.ts';
import { parseScopeKey, type ScopeKey } from '../core/scope-key.ts';

const reasonLength = 500;
const graceCeilingMs = 60_000;
const claimLength = 210;

interface OrderContext {
  readonly environment: string;
  readonly actor: string;
  /** An agent worker speaks for a task that was sent a `kill`: for that task alone, at once, and whoever asked is a claim it passes on. */
  readonly forOneTask: boolean;
  /** Used where the caller brings no id of its own; a retry of such a request is a new stop. */
  readonly mintStopId: () => string;
  readonly trace: Pick<StopOrder, 'trace' | 'traceState'>;
}

/**
 * Reads POST /v1/stops. Strict where a mistake would stop the wrong thing (scope, category, id), and lenient where refusing
 * would only cost time: unknown members are ignored, a long reason is cut. By hand, not with a schema library: this process
 * stays small. contract/http/stops.ts describes the same body for people.
 */
export function parseStopOrder(body: unknown, context: OrderContext): StopOrder {
  if (!isRecord(body)) throw invalid([{ pointer: '', message: 'The body must be a JSON object.' }]);
  const errors: FieldError[] = [];
  const scopeKey = readScope(body, context.environment, errors);
  const category = readCategory(body, errors);
  const graceMs = readGrace(body, category, errors);
  const stopId = readStopId(body, context, errors);
  const reason = readReason(body, errors);
  const method = context.forOneTask ? 'signal' : readMethod(body, errors);
  if (errors.length > 0) throw invalid(errors);
  const { trace } = context;
  if (context.forOneTask) {
    if (parseScopeKey(scopeKey)?.kind !== 'task' || category !== 0)
      throw new EstopError('forbidden', {
        detail: 'An agent worker may stop single tasks, with category 0, and nothing else.',
      });
    return { stopId, scopeKey, category, graceMs, reason, actor: readClaim(body) ?? context.actor, method, ...trace };
  }
  return { stopId, scopeKey, category, graceMs, reason, actor: context.actor, method, ...trace };
}

function readScope(body: Fields, environment: string, errors: FieldError[]): ScopeKey {
  const named = [body['scopeKey'], body['scope']].filter((value) => value !== undefined);
  const [key] = named;
  const pointer = body['scopeKey'] === undefined ? '/scope' : '/scopeKey';
  if (named.length === 2 && named[0] !== named[1])
    return fail(errors, '/scope', 'scope and scopeKey name different things.', '');
  if (typeof key !== 'string')
    return fail(
      errors,
      pointer,
      'A scope is needed: fleet, agent:A, task:T, tool:server/name, connector:C, model:M or label:name=value.',
      '',
    );
  const scope = parseScopeKey(key);
  if (scope === undefined)
    return fail(
      errors,
      pointer,
      'This is not a scope: fleet, agent:A, task:T, tool:server/name, connector:C, model:M or label:name=value.',
      '',
    );
  if (scope.kind === 'task' && parseId(scope.value)?.environment !== environment) {
    return fail(errors, pointer, `This task belongs to another environment; here is ${environment}.`, '');
  }
  return key;
}

function readCategory(body: Fields, errors: FieldError[]): StopCategory {
  const category = body['category'] ?? 0;
  return category === 0 || category === 1
    ? category
    : fail(errors, '/category', 'A category is 0 (at once) or 1 (with a grace).', 0);
}

function readGrace(body: Fields, category: StopCategory, errors: FieldError[]): number {
  const graceMs = body['graceMs'];
  if (category === 0) return 0; // category 0 has no grace, whatever is asked for
  if (graceMs === undefined) return categoryOneGraceMs;
  if (typeof graceMs === 'number' && Number.isInteger(graceMs) && graceMs >= 0 && graceMs <= graceCeilingMs)
    return graceMs;
  return fail(errors, '/graceMs', `A grace is a whole number of milliseconds from 0 to ${graceCeilingMs}.`, 0);
}

function readStopId(body: Fields, context: OrderContext, errors: FieldError[]): string {
  const stopId = body['stopId'];
  if (stopId === undefined) return context.mintStopId();
  if (typeof stopId === 'string' && isId('stop', context.environment, stopId)) return stopId;
  return fail(
    errors,
    '/stopId',
    `A stop id here looks like stop_${context.environment}_ and 26 letters and digits.`,
    '',
  );
}

/** PostgreSQL takes no NUL and UTF-8 no lone surrogate: a reason must not be what makes a latch fail. */
function readReason(body: Fields, errors: FieldError[]): string {
  const reason = body['reason'] ?? '';
  if (typeof reason !== 'string') return fail(errors, '/reason', 'A reason is a text.', '');
  return reason
    .replaceAll('\0', '')
    .slice(0, reasonLength)
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}

/** As long as a name, printable, and marked as what it is. */
function readClaim(body: Fields): string | undefined {
  const claim = body['onBehalfOf'];
  if (typeof claim !== 'string' || !claim.startsWith('signal:')) return undefined;
  return claim.slice(0, claimLength).replaceAll(/[^\p{L}\p{N}\p{P}\p{S}\p{Zs}]/gu, ' ');
}

function readMethod(body: Fields, errors: FieldError[]): StopMethod {
  const method = body['method'] ?? 'api';
  return method === 'api' || method === 'cli' || method === 'console' || method === 'breaker' || method === 'trigger'
    ? method
    : fail(errors, '/method', 'A method is api, cli, console, breaker or trigger.', 'api');
}

type Fields = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function fail<Value>(errors: FieldError[], pointer: string, message: string, placeholder: Value): Value {
  errors.push({ pointer, message });
  return placeholder;
}

const invalid = (fields: readonly FieldError[]): EstopError => new EstopError('invalid-input', { fields });
