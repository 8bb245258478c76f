import type { IncomingMessage } from 'node:http';
import { type ErrorCode, errorCodeOf } from '../../core/errors.ts';
import { deferred } from '../deferred.ts';
import type { CutReason, OpenCall } from '../fence/open-calls.ts';
import type { Bearer } from '../fence/view.ts';
import { PreparedCall } from '../upstream/prepared-call.ts';
import type { Provider } from './provider.ts';

export type ProviderEnd =
  | { readonly kind: 'answering'; readonly incoming: IncomingMessage }
  | { readonly kind: 'lost' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'cut'; readonly reason: CutReason };

const connectTimeoutMs = 5_000;

/** One model call on its way: both of its sockets, and the one place where it can be ended from. */
export class ModelCall implements OpenCall {
  readonly callId: string;
  readonly bearer: Bearer;
  readonly #cut = deferred<ProviderEnd>();
  #reason: CutReason | undefined;
  #call: PreparedCall | undefined;
  #hangUp: (() => void) | undefined;
  #trouble: ErrorCode | undefined;

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

  /** Why no socket could be had, for the log. */
  get trouble(): ErrorCode | undefined {
    return this.#trouble;
  }

  isWritten(): boolean {
    return this.#call?.isWritten === true;
  }

  /** Takes a connected socket. False if the provider cannot be reached, or if the call was cut meanwhile. */
  async prepare({ url, sockets, headers }: Provider, bytes: number): Promise<boolean> {
    if (this.#reason !== undefined) return false;
    this.#call?.destroy();
    const prepared = new PreparedCall({ url }, sockets, { ...headers, 'content-length': String(bytes) });
    this.#call = prepared;
    const timer = setTimeout(() => prepared.destroy(), connectTimeoutMs);
    try {
      await prepared.ready;
    } catch (thrown) {
      const cause = thrown instanceof Error ? thrown.cause : undefined;
      this.#trouble = errorCodeOf(cause) === 'internal' ? errorCodeOf(thrown) : errorCodeOf(cause);
      return false;
    } finally {
      clearTimeout(timer);
    }
    return this.isUsable;
  }

  /** Writes in this tick. The caller has asked the fence in this tick as well. */
  write(body: string, silenceMs: number): Promise<ProviderEnd> {
    if (this.#call === undefined || !this.isUsable) return Promise.resolve({ kind: 'lost' });
    const answering = this.#call.write(body).then(
      (incoming): ProviderEnd => ({ kind: 'answering', incoming }),
      (): ProviderEnd => ({ kind: 'lost' }),
    );
    const silent = deferred<ProviderEnd>();
    const timer = setTimeout(() => {
      silent.resolve({ kind: 'silent' });
      this.#call?.destroy();
    }, silenceMs);
    return Promise.race([this.#cut.promise, silent.promise, answering]).finally(() => clearTimeout(timer));
  }

  /** From now on a cut ends the client's side as well: half an answer is out, and no other can be given. */
  streamsTo(hangUp: () => void): void {
    this.#hangUp = hangUp;
  }

  /** From outside. In the tick in which the stop becomes known, nothing more is read and nothing more is written. */
  destroy(reason: CutReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#cut.resolve({ kind: 'cut', reason });
    this.#call?.destroy();
    this.#hangUp?.();
  }

  /** From inside: the provider has nothing more to say that would be passed on. */
  hangUp(): void {
    this.#call?.destroy();
    this.#hangUp?.();
  }

  release(): void {
    if (!this.isWritten()) this.#call?.destroy();
  }
}
