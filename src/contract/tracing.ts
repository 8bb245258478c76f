/**
 * Other people's tracing, passed on: W3C Trace Context by the OpenTelemetry API. Who asked decides nothing here, and nothing that
 * goes wrong with it may be seen by what is traced. Without an SDK in the process no span is made and the caller's own context goes on
 * as it came; with one, each step is a span of that trace. For where the context is kept see runtime/keep-trace-context.ts.
 */
import {
  type Context,
  context,
  createTraceState,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import type { StopOrder } from './stop.ts';
import { readTraceparent, readTracestate, writeTraceparent } from './trace-context.ts';

/** The two headers, or the two words of MCP's `_meta` (SEP-414). Whoever sends them may send anything. */
export interface TraceCarrier {
  readonly traceparent?: unknown;
  readonly tracestate?: unknown;
}

export type TraceHeaders = { readonly traceparent: string; readonly tracestate?: string } | Record<string, never>;

const tracer = trace.getTracer('estop');
const none: TraceHeaders = Object.freeze({});

/** Goes on with the trace of whoever asks, if they sent one that can be read; under the one in hand otherwise. */
export function continueTrace<Result>(carrier: TraceCarrier, work: () => Result): Result {
  const parent = readCarrier(carrier);
  return parent === undefined ? work() : within(trace.setSpanContext(ROOT_CONTEXT, parent), work);
}

/** One step of a trace. Of a trace that nobody began, and without an SDK, nothing at all. */
export function traced<Result>(name: string, kind: 'server' | 'client' | 'internal', work: () => Result): Result {
  const parent = active();
  const span = startSpan(name, kinds[kind], parent);
  if (span === undefined) return work();
  return within(trace.setSpan(parent, span), () => ending(span, work));
}

const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL } as const;

/** To send along; empty where there is no trace. */
export function traceHeaders(): TraceHeaders {
  const now = currentSpan();
  if (now === undefined) return none;
  const tracestate = now.traceState?.serialize() ?? '';
  return { traceparent: writeTraceparent(now), ...(tracestate === '' ? {} : { tracestate }) };
}

/** For what is kept of an order. */
export function traceOfOrder(): Pick<StopOrder, 'trace' | 'traceState'> {
  const { traceparent, tracestate } = traceHeaders();
  if (traceparent === undefined) return {};
  return { trace: traceparent, ...(tracestate === undefined ? {} : { traceState: tracestate }) };
}

/** For the log. */
export const currentTraceId = (): string | undefined => currentSpan()?.traceId;

function currentSpan(): SpanContext | undefined {
  const now = trace.getSpanContext(active());
  return now !== undefined && isSpanContextValid(now) ? now : undefined;
}

function readCarrier({ traceparent, tracestate }: TraceCarrier): SpanContext | undefined {
  if (typeof traceparent !== 'string') return undefined;
  const read = readTraceparent(traceparent);
  if (read === undefined) return undefined;
  const { traceId, spanId, sampled } = read;
  const state = typeof tracestate === 'string' ? readTracestate(tracestate) : undefined;
  return {
    traceId,
    spanId,
    traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
    ...(state === undefined ? {} : { traceState: createTraceState(state) }),
  };
}

/** Somebody else's SDK may throw; what is traced does not notice. */
function active(): Context {
  try {
    return context.active();
  } catch {
    return ROOT_CONTEXT;
  }
}

function startSpan(name: string, kind: SpanKind, parent: Context): Span | undefined {
  try {
    const span = tracer.startSpan(name, { kind }, parent);
    return isSpanContextValid(span.spanContext()) ? span : undefined;
  } catch {
    return undefined;
  }
}

/** The work is done once, whatever the keeper of contexts does. */
function within<Result>(next: Context, work: () => Result): Result {
  let hasBegun = false;
  const begin = (): Result => {
    hasBegun = true;
    return work();
  };
  try {
    return context.with(next, begin);
  } catch (thrown) {
    if (hasBegun) throw thrown;
    return work();
  }
}

function ending<Result>(span: Span, work: () => Result): Result {
  try {
    const result = work();
    if (!(result instanceof Promise)) {
      end(span, true);
      return result;
    }
    result.then(
      () => end(span, true),
      () => end(span, false),
    );
    return result;
  } catch (thrown) {
    end(span, false);
    throw thrown;
  }
}

/** No message of an error: it may hold what a tool, a model or a database said. */
function end(span: Span, well: boolean): void {
  try {
    if (!well) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  } catch {
    // As above.
  }
}
