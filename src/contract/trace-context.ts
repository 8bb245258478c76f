/** W3C Trace Context, version 00: who asked for this, as far as other people's tracing is concerned. It decides nothing. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits: the span that asked. */
  readonly spanId: string;
  readonly sampled: boolean;
}

/** Later versions may have more after the flags; version ff is no version. */
const pattern = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const longest = 512;

/** Undefined for what is none: then a new trace begins, as the recommendation has it. */
export function readTraceparent(header: string | undefined): TraceContext | undefined {
  if (header === undefined || header.length > longest) return undefined;
  const [, version = '', traceId = '', spanId = '', flags = '', more] = pattern.exec(header) ?? [];
  if (/^0*$/.test(traceId) || /^0*$/.test(spanId) || (version === '00' && more !== undefined)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Goes on with the trace of whoever asks, under a span of our own; without one a trace begins here. */
export function continueTrace(header: string | undefined, random: (bytes: number) => string): TraceContext {
  const parent = readTraceparent(header);
  return { traceId: parent?.traceId ?? random(16), spanId: random(8), sampled: parent?.sampled ?? false };
}
