import type { UpstreamReply } from './read-reply.ts';

/** A message of an upstream that is not the answer: progress, a log line, a question to the client. */
export interface UpstreamMessage {
  readonly id?: unknown;
  readonly method: string;
  readonly params?: unknown;
}
export type OnMessage = (message: UpstreamMessage) => void;

/** A way to an upstream that is open and has sent nothing yet. rule: check-and-write-one-tick */
export interface Prepared {
  readonly ready: Promise<void>;
  /** What was open may be closed by the upstream at any time; then another must be prepared. */
  readonly isUsable: boolean;
  readonly isWritten: boolean;
  /** All of it, now. Sent once and never again: a second sending could have a second effect. */
  send(body: string, callId: string, onMessage: OnMessage): Promise<UpstreamReply>;
  /** Ended at once. Bytes already given to the kernel are not taken back. `cancelled`: its own client wants it no longer. */
  destroy(why?: 'cancelled'): void;
}
