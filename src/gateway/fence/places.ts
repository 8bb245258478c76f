/**
 * The calls that may be under way at one server, or at one provider, at once. Whoever has as many as are free gets no more: one agent
 * whose calls hang holds half of them, the next half of the rest, and there is one left for whoever comes then.
 */
export class Places {
  readonly #most: number;
  readonly #taken = new Map<string, Map<string, number>>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Undefined: come again. Else how the place is left, which may be said more than once. */
  enter(where: string, agentId: string): (() => void) | undefined {
    const there = this.#taken.get(where) ?? new Map<string, number>();
    const own = there.get(agentId) ?? 0;
    let free = this.#most;
    for (const count of there.values()) free -= count;
    if (own >= free) return undefined;
    this.#taken.set(where, there.set(agentId, own + 1));
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const now = (there.get(agentId) ?? 1) - 1;
      if (now > 0) there.set(agentId, now);
      else there.delete(agentId);
      if (there.size === 0 && this.#taken.get(where) === there) this.#taken.delete(where);
    };
  }
}
