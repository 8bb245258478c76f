import { deferred } from '../deferred.ts';
import type { CutReason, OpenCall } from '../fence/open-calls.ts';
import type { Bearer } from '../fence/view.ts';
import type { PreparedCall } from '../upstream/prepared-call.ts';
import { readReply, type UpstreamReply } from '../upstream/read-reply.ts';
import type { OutgoingCall } from '../upstream/session.ts';
import type { ToolServer } from '../upstream/tool-server.ts';

export type CallEnd =
  | { readonly kind: 'replied'; readonly reply: UpstreamReply }
  /** The connection ended between the request and a whole answer: nobody here knows what became of it. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'cut'; readonly reason: CutReason };

/** One call on its way: the socket that is held for it, and the one place where it can be ended from. */
export class LiveCall implements OpenCall {
  readonly callId: string;
  readonly bearer: Bearer;
  readonly #cut = deferred<CallEnd>();
  #reason: CutReason | undefined;
  #call: PreparedCall | undefined;
  #body = '';

  constructor(callId: string, bearer: Bearer) {
    this.callId = callId;
    this.bearer = bearer;
  }

  get cutReason(): CutReason | undefined {
    return this.#reason;
  }

  get isUsable(): boolean {
    return this.#reason === undefined && this.#call?.isUsable === true;
  }

  isWritten(): boolean {
    return this.#call?.isWritten === true;
  }

  /** Takes a socket. False if the upstream cannot be reached, or if the call was cut meanwhile. */
  async prepare(
    server: Pick<ToolServer, 'prepare'>,
    call: Omit<OutgoingCall, 'callId'>,
    timeoutMs: number,
  ): Promise<boolean> {
    if (this.#reason !== undefined) return false;
    this.#call?.destroy();
    const prepared = server.prepare({ callId: this.callId, ...call });
    if (prepared === undefined) return false;
    this.#call = prepared.call;
    this.#body = prepared.body;
    const timer = setTimeout(() => prepared.call.destroy(), timeoutMs);
    try {
      await prepared.call.ready;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
    return this.isUsable;
  }

  /** Writes in this tick. The caller has asked the fence in this tick as well. */
  write(timeoutMs: number): Promise<CallEnd> {
    if (this.#call === undefined || !this.isUsable) return Promise.resolve({ kind: 'lost' });
    const replied = this.#call
      .write(this.#body)
      .then(async (response): Promise<CallEnd> => ({ kind: 'replied', reply: await readReply(response, this.callId) }));
    const late = deferred<CallEnd>();
    const timer = setTimeout(() => {
      late.resolve({ kind: 'timed-out' });
      this.#call?.destroy();
    }, timeoutMs);
    const lost = replied.catch((): CallEnd => ({ kind: 'lost' }));
    return Promise.race([this.#cut.promise, late.promise, lost]).finally(() => clearTimeout(timer));
  }

  /** Ends it from outside; from inside `release` gives back what was never used. */
  destroy(reason: CutReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    // First the promise: the destroyed socket must not be the first to say how the call ended.
    this.#cut.resolve({ kind: 'cut', reason });
    this.#call?.destroy();
  }

  /** A socket that holds a request which was never sent cannot be given to another; it is closed. */
  release(): void {
    if (!this.isWritten()) this.#call?.destroy();
  }
}
