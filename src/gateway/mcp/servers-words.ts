import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

/** Who said it, to whom, and about what. */
export interface SaidTo {
  readonly taskId: string;
  readonly serverId: string;
  readonly about: string;
}

const markLength = 43;

/**
 * What a server gives a client to bring back as it is: a cursor of a list, its own state beside a question. Nobody judges where such a
 * word comes from, so it goes back only if it came from there: marked on its way out, and looked at on its way in.
 */
export class ServersWords {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = new Uint8Array(hkdfSync('sha256', key, new Uint8Array(), 'estop words of servers', 32));
  }

  give(to: SaidTo, word: string): string {
    return `${this.#mark(to, word)}.${word}`;
  }

  /** Undefined: that server said no such thing to this task about this. */
  take(to: SaidTo, shown: unknown): string | undefined {
    if (typeof shown !== 'string') return undefined;
    const word = shown.slice(markLength + 1);
    const [mine, theirs] = [Buffer.from(this.give(to, word)), Buffer.from(shown)];
    return mine.length === theirs.length && timingSafeEqual(mine, theirs) ? word : undefined;
  }

  #mark({ taskId, serverId, about }: SaidTo, word: string): string {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify([taskId, serverId, about, word]))
      .digest('base64url');
  }
}
