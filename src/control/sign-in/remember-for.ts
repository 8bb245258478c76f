/** Names that were used, for a while; of too many the oldest is forgotten first. */
export function rememberFor(
  lifeMs: number,
  most: number,
  now = () => performance.now(),
): { has(name: string): boolean; add(name: string): void } {
  const until = new Map<string, number>();
  const forget = (): void => {
    for (const [name, end] of until) {
      if (end > now() && until.size <= most) return;
      until.delete(name);
    }
  };
  return {
    has: (name) => (until.get(name) ?? 0) > now(),
    add: (name) => {
      until.delete(name);
      until.set(name, now() + lifeMs);
      forget();
    },
  };
}
