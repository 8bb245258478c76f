import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

/** Where it was given, and to whom. */
export interface CursorOf {
  readonly taskId: string;
  readonly serverId: string;
  readonly method: string;
}

const markLength = 43;

/**
 * A list is asked for in the gateway's own name, unadmitted, because it carries no word of the agent's. So a cursor goes to an upstream
 * only as it came from there: marked on its way out, and looked at on its way back.
 */
export class ListCursors {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = new Uint8Array(hkdfSync('sha256', key, new Uint8Array(), 'estop list cursors', 32));
  }

  give(of: CursorOf, cursor: string): string {
    return `${this.#mark(of, cursor)}.${cursor}`;
  }

  /** Undefined: we gave none like it, in this list to this task. */
  take(of: CursorOf, shown: string): string | undefined {
    const cursor = shown.slice(markLength + 1);
    const [mine, theirs] = [Buffer.from(this.give(of, cursor)), Buffer.from(shown)];
    return mine.length === theirs.length && timingSafeEqual(mine, theirs) ? cursor : undefined;
  }

  #mark({ taskId, serverId, method }: CursorOf, cursor: string): string {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify([taskId, serverId, method, cursor]))
      .digest('base64url');
  }
}
