import type { CutReason, OpenCall } from '../fence/open-calls.ts';
import type { Bearer } from '../fence/view.ts';

/** What a server is told, from before its ADMIT on: a stop reaches it like a call. It goes over a session that is open already. */
export class ToldAnswer implements OpenCall {
  readonly callId: string;
  readonly bearer: Bearer;
  #reason: CutReason | undefined;
  #written = false;

  constructor(callId: string, bearer: Bearer) {
    this.callId = callId;
    this.bearer = bearer;
  }

  get cutReason(): CutReason | undefined {
    return this.#reason;
  }

  isWritten(): boolean {
    return this.#written;
  }

  noteWritten(): void {
    this.#written = true;
  }

  destroy(reason: CutReason): void {
    this.#reason ??= reason;
  }

  /** The session that it goes over is another's to end. */
  release(): void {}
}
