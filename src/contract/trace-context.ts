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

const stateKey = /^(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})$/;
/** Printable ASCII without comma and equals sign, not ending with a space. */
const stateValue = /^[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;
const mostMembers = 32;

/**
 * What vendors add to a traceparent, each about itself: at most 512 characters, 32 members, each key once. Members that are none are left
 * out, and what is longer is none at all. It is text of others in any case: it goes on to systems that trace, and into no log and no page.
 */
export function readTracestate(header: string | undefined): string | undefined {
  if (header === undefined || header.length > longest) return undefined;
  const members = new Map<string, string>();
  for (const member of header.split(',').map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ''))) {
    const at = member.indexOf('=');
    const [key, value] = [member.slice(0, Math.max(at, 0)), member.slice(at + 1)];
    if (stateKey.test(key) && stateValue.test(value) && !members.has(key)) members.set(key, value);
  }
  if (members.size === 0 || members.size > mostMembers) return undefined;
  return [...members].map(([key, value]) => `${key}=${value}`).join(',');
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
