/**
 * An order as it lies in the intake: written by the stop process, by `estop stop --direct`, or by hand with Temporal's own CLI. So it
 * is input like any other. Read by workflow code and by the drain, which must agree on what is an order: no schema library here.
 */
import { parseId } from '../core/ids.ts';
import { parseScopeKey } from '../core/scope-key.ts';
import type { StopCategory, StopMethod, StopOrder } from './stop.ts';
import { readTraceparent, readTracestate } from './trace-context.ts';

const methods: readonly StopMethod[] = [
  'api',
  'cli',
  'console',
  'direct',
  'intake',
  'signal',
  'watchdog',
  'breaker',
  'trigger',
];
const graceCeilingMs = 60_000;

/** Undefined: not an order, ignored. An id and a scope make one; everything else has an answer that errs towards stopping. */
export function readOrder(raw: unknown): StopOrder | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const fields = raw as Readonly<Record<string, unknown>>; // an object; each member is looked at before it is believed
  const { stopId, scopeKey, category, graceMs, reason, actor, method } = fields;
  if (typeof stopId !== 'string' || parseId(stopId)?.kind !== 'stop') return undefined;
  if (typeof scopeKey !== 'string' || parseScopeKey(scopeKey) === undefined) return undefined;
  const readCategory: StopCategory = category === 1 ? 1 : 0;
  return {
    stopId,
    scopeKey,
    category: readCategory,
    graceMs: readCategory === 1 && typeof graceMs === 'number' ? clamp(graceMs) : 0,
    reason: text(reason, 500),
    actor: text(actor, 200) || 'unnamed',
    method: methods.find((known) => known === method) ?? 'intake',
    ...readTrace(fields),
  };
}

function readTrace({ trace, traceState }: Readonly<Record<string, unknown>>): Pick<StopOrder, 'trace' | 'traceState'> {
  if (typeof trace !== 'string' || readTraceparent(trace) === undefined) return {};
  const state = typeof traceState === 'string' ? readTracestate(traceState) : undefined;
  return { trace, ...(state === undefined ? {} : { traceState: state }) };
}

/** Tells two orders apart that carry one id: an id that was used for two different stops must not lose the second. */
export const orderKey = (order: Pick<StopOrder, 'stopId' | 'scopeKey' | 'category'>): string =>
  `${order.stopId} ${order.category} ${order.scopeKey}`;

const clamp = (ms: number): number => (Number.isFinite(ms) ? Math.min(Math.max(Math.trunc(ms), 0), graceCeilingMs) : 0);

/** PostgreSQL takes no NUL; UTF-8 takes no lone surrogate. */
function text(value: unknown, maximum: number): string {
  if (typeof value !== 'string') return '';
  return value
    .replaceAll('\0', '')
    .slice(0, maximum)
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}
