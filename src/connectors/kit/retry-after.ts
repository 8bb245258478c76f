/** A system that says "tomorrow" still gets asked again within minutes: a lane never waits for another's word. */
export const longestPauseMs = 5 * 60_000;

/** RFC 9110, 10.2.3: seconds or a date. Undefined if there is none, or none that can be read. */
export function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const wait = /^\d{1,10}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now.getTime();
  if (Number.isNaN(wait)) return undefined;
  return Math.min(Math.max(wait, 0), longestPauseMs);
}
