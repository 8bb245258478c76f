import type { ServerResponse } from 'node:http';

/** What the requests of one agent, and of all, may take in memory. */
export interface MostInHand {
  readonly ofAgent: number;
  readonly ofAll: number;
}

export const mostInHand: MostInHand = { ofAgent: 256 * 1024 * 1024, ofAll: 1024 * 1024 * 1024 };

/** False: so much is in hand already that this is not read now. */
export type TakeInHand = (bytes: number) => boolean;

/**
 * How much of what was sent is in hand, from the first byte that is read until its answer is out or its client gone. One agent with many
 * large requests at once is told to come again, before this process has no memory for anybody.
 */
export class BodiesInHand {
  readonly #most: MostInHand;
  readonly #ofAgent = new Map<string, number>();
  #ofAll = 0;

  constructor(most: MostInHand) {
    this.#most = most;
  }

  /** `weight`: how many bytes of memory one byte of this kind may come to. */
  hold(agentId: string, response: ServerResponse, weight: number): TakeInHand {
    if (response.destroyed) return () => false;
    let held = 0;
    response.once('close', () => {
      this.#add(agentId, -held);
      held = 0;
    });
    return (bytes) => {
      const more = bytes * weight;
      if (response.destroyed) return false;
      if (this.#ofAll + more > this.#most.ofAll) return false;
      if ((this.#ofAgent.get(agentId) ?? 0) + more > this.#most.ofAgent) return false;
      held += more;
      this.#add(agentId, more);
      return true;
    };
  }

  #add(agentId: string, more: number): void {
    this.#ofAll += more;
    const now = (this.#ofAgent.get(agentId) ?? 0) + more;
    if (now > 0) this.#ofAgent.set(agentId, now);
    else this.#ofAgent.delete(agentId);
  }
}
