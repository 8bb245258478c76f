/** Times for people: how long ago, and exactly when. */
const steps = [
  { unit: 'd', ms: 86_400_000 },
  { unit: 'h', ms: 3_600_000 },
  { unit: 'min', ms: 60_000 },
  { unit: 's', ms: 1_000 },
] as const;

function span(ms: number): string {
  for (const { unit, ms: size } of steps) {
    if (ms >= size) return `${Math.floor(ms / size)} ${unit}`;
  }
  return 'now';
}

/** `3 s ago`, `in 2 min`, `now`. */
export function relative(iso: string, now: number): string {
  const ms = now - Date.parse(iso);
  if (Number.isNaN(ms)) return '?';
  const text = span(Math.abs(ms));
  if (text === 'now') return text;
  return ms > 0 ? `${text} ago` : `in ${text}`;
}

/** `2026-11-20 23:29:12Z (3 s ago)` */
export function exact(iso: string, now: number): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return '?';
  return `${time.toISOString().slice(0, 19).replace('T', ' ')}Z (${relative(iso, now)})`;
}

/** `12 ms`, `1.2 s`, `3 min 20 s`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}
