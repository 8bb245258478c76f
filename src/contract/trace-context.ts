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

/** Undefined for what is none: it is dropped, as the recommendation has it. */
export function readTraceparent(header: string | undefined): TraceContext | undefined {
  if (header === undefined || header.length > longest) return undefined;
  const [, version = '', traceId = '', spanId = '', flags = '', more] = pattern.exec(header) ?? [];
  if (/^0*$/.test(traceId) || /^0*$/.test(spanId) || (version === '00' && more !== undefined)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Always of version 00, and made of what was read: nothing of a foreign text is passed on as it came. */
export const writeTraceparent = ({
  traceId,
  spanId,
  traceFlags,
}: {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}): string => `00-${traceId}-${spanId}-${(traceFlags & 1) === 1 ? '01' : '00'}`;
