import { readTraceparent } from './trace-context.ts';

/** As the tracing of every Temporal SDK calls it, so that workflows and workers of others take part. No codec seals a header. */
export const traceHeader = '_tracer-data';

/** Two short texts as JSON. What is longer is none. */
export const longestTraceHeader = 2_048;

export interface KnownTrace {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** What a header says, if it says something. Read in workflow code as well: whoever may start a workflow may have written it. */
export function knownTrace(value: unknown): KnownTrace | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const traceparent = textIn(value, 'traceparent');
  const tracestate = textIn(value, 'tracestate');
  if (readTraceparent(traceparent) === undefined || traceparent === undefined) return undefined;
  return { traceparent, ...(tracestate === undefined ? {} : { tracestate }) };
}

function textIn(value: object, name: string): string | undefined {
  const text: unknown = Object.getOwnPropertyDescriptor(value, name)?.value;
  return typeof text === 'string' && text.length <= 512 ? text : undefined;
}
