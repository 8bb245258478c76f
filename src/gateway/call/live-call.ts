import { deferred } from '../deferred.ts';
import type { CutReason, OpenCall } from '../fence/open-calls.ts';
import type { Bearer } from '../fence/view.ts';
import type { AskedWhile } from '../mcp/question.ts';
import type { Relayed } from '../upstream/client-link.ts';
import type { OnMessage, Prepared, UpstreamMessage } from '../upstream/prepared.ts';
import type { UpstreamReply } from '../upstream/read-reply.ts';
import type { OutgoingCall } from '../upstream/session.ts';

export type CallEnd =
  | { readonly kind: 'replied'; readonly reply: UpstreamReply }
  /** The connection ended between the request and a whole answer: nobody here knows what became of it. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'cut'; readonly reason: CutReason };

/** Where calls go: a server, or one client's own session with it. */
export interface Destination {
  prepare(call: OutgoingCall): { readonly call: Prepared; readonly body: string } | undefined;
  /** Takes what the upstream asks the client while it works on a call. Absent: nobody can be asked. */
  ask?(message: UpstreamMessage, relayed: Relayed): void;
  /** What is under way there, of what its own questions may be. */
  noteCall?(callId: string, what: AskedWhile): void;
  forgetCall?(callId: string): void;
  /** The client of a call that was sent wants its answer no longer. `bearer`: by which a stop still finds it. */
  cancelled?(callId: string, bearer: Bearer): void;
  /** It does not know us any more. */
  forgotten?(): void;
}

/** One call on its way: the socket that is held for it, and the one place where it can be ended from. */
export class LiveCall implements OpenCall {
  readonly callId: string;
  readonly bearer: Bearer;
  readonly #cut = deferred<CallEnd>();
  #reason: CutReason | undefined;
  #call: Prepared | undefined;
  #body = '';
  #destination: Destination | undefined;

  constructor(callId: string, bearer: Bearer) {
    this.callId = callId;
    this.bearer = bearer;
  }

  get cutReason(): CutReason | undefined {
    return this.#reason;
  }

  get destination(): Destination | undefined {
    return this.#destination;
  }

  get isUsable(): boolean {
    return this.#reason === undefined && this.#call?.isUsable === true;
  }

  isWritten(): boolean {
    return this.#call?.isWritten === true;
  }

  /** Takes a socket. False if the upstream cannot be reached, or if the call was cut meanwhile. */
  async prepare(server: Destination, call: Omit<OutgoingCall, 'callId'>, timeoutMs: number): Promise<boolean> {
    if (this.#reason !== undefined) return false;
    this.#call?.destroy();
    this.#destination = server;
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
  write(timeoutMs: number, onMessage: OnMessage = () => undefined, what?: AskedWhile): Promise<CallEnd> {
    if (this.#call === undefined || !this.isUsable) return Promise.resolve({ kind: 'lost' });
    if (what !== undefined) this.#destination?.noteCall?.(this.callId, what);
    // After the end nothing of the call is passed on any more, whatever still comes in.
    let open = true;
    const replied = this.#call
      .send(this.#body, this.callId, (message) => {
        if (open && this.#reason === undefined) onMessage(message);
      })
      .then((reply): CallEnd => {
        if (reply.kind !== 'result' && reply.status === 404) this.#destination?.forgotten?.();
        return { kind: 'replied', reply };
      });
    const late = deferred<CallEnd>();
    const timer = setTimeout(() => {
      late.resolve({ kind: 'timed-out' });
      this.#call?.destroy();
    }, timeoutMs);
    const lost = replied.catch((): CallEnd => ({ kind: 'lost' }));
    return Promise.race([this.#cut.promise, late.promise, lost]).finally(() => {
      open = false;
      this.#destination?.forgetCall?.(this.callId);
      clearTimeout(timer);
    });
  }

  /** Ends it from outside; from inside `release` gives back what was never used. */
  destroy(reason: CutReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    // First the promise: the destroyed socket must not be the first to say how the call ended.
    this.#cut.resolve({ kind: 'cut', reason });
    const wasWritten = this.isWritten();
    this.#call?.destroy(reason.kind === 'client-gone' ? 'cancelled' : undefined);
    if (reason.kind === 'client-gone' && wasWritten) this.#destination?.cancelled?.(this.callId, this.bearer);
  }

  /** A socket that holds a request which was never sent cannot be given to another; it is closed. */
  release(): void {
    if (!this.isWritten()) this.#call?.destroy();
  }
}
