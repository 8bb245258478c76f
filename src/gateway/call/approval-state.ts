import { randomBytes } from 'node:crypto';
import { createRequestStateCodec, type ServerContext } from '@modelcontextprotocol/server';

/** What a client carries from the call that had to ask to the same call sent again. Signed, not secret: it holds no data. */
export interface CarriedApproval {
  readonly taskId: string;
  /** Of exactly one call; a state cannot be moved to another. */
  readonly digest: Uint8Array;
  readonly approvalId: string;
}

interface Payload {
  readonly task: string;
  readonly digest: string;
  readonly approval: string;
  readonly nonce: string;
}

const mostRemembered = 50_000;
/** The codec has no binding of its own here (what binds is in the payload), and so never looks at it. */
const noContext = {} as ServerContext;

/**
 * Seals and opens the state of an asked-for approval. Each is good once at this gateway, for this task, for these bytes and for a
 * while. It opens nothing: whether the call may be made is read from the approval's own row, which is redeemed once for all gateways.
 */
export class ApprovalStates {
  readonly #codec;
  readonly #lifeMs: number;
  readonly #used = new Map<string, number>();

  constructor(key: Uint8Array, lifeMs: number) {
    this.#lifeMs = lifeMs;
    this.#codec = createRequestStateCodec<Payload>({ key, ttlSeconds: Math.ceil(lifeMs / 1_000) });
  }

  mint({ taskId, digest, approvalId }: CarriedApproval): Promise<string> {
    const nonce = randomBytes(16).toString('base64url');
    return this.#codec.mint({ task: taskId, digest: hex(digest), approval: approvalId, nonce });
  }

  /** False for what was changed, moved, used before, or is too old. */
  async take(state: unknown, { taskId, digest }: Omit<CarriedApproval, 'approvalId'>): Promise<boolean> {
    if (typeof state !== 'string' || state.length > 4_096) return false;
    let payload: Payload;
    try {
      payload = await this.#codec.verify(state, noContext);
    } catch {
      return false;
    }
    if (payload.task !== taskId || payload.digest !== hex(digest)) return false;
    return this.#useOnce(payload.nonce, Date.now());
  }

  #useOnce(nonce: string, now: number): boolean {
    if (this.#used.size >= mostRemembered)
      for (const [old, until] of this.#used) if (until < now) this.#used.delete(old);
    if (this.#used.has(nonce) || this.#used.size >= mostRemembered) return false;
    this.#used.set(nonce, now + this.#lifeMs + 1_000);
    return true;
  }
}

function hex(digest: Uint8Array): string {
  return Buffer.from(digest).toString('hex');
}
