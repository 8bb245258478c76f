import type { ServerResponse } from 'node:http';
import { beginEventStream, hangUpOnIdleReader, writeEvent } from '../http/event-stream.ts';
import { sendJson } from '../http/reply.ts';
import type { ClientSession } from './client-session.ts';
import type { SessionStream } from './session-stream.ts';

/** How one request is answered: as JSON, or, from the first thing that has to be said before the answer on, as a stream. */
export class ReplyChannel {
  readonly #response: ServerResponse;
  readonly #takesStream: boolean;
  readonly #session: ClientSession | undefined;
  #stream: SessionStream | undefined;
  #begun = false;

  constructor(response: ServerResponse, takesStream: boolean, session: ClientSession | undefined) {
    this.#response = response;
    this.#takesStream = takesStream;
    this.#session = session;
  }

  /** The answer can be fetched later, on another connection: a client that goes away has not given it up. */
  get isResumable(): boolean {
    return this.#stream !== undefined;
  }

  get isStream(): boolean {
    return this.#begun;
  }

  relay(message: object): boolean {
    if (!this.#begin()) return false;
    if (this.#stream === undefined) return writeEvent(this.#response, JSON.stringify(message));
    this.#stream.say(message);
    return true;
  }

  answer(status: number, message: object, headers: Readonly<Record<string, string>> = {}): void {
    // In a session every answer is an event, which can be asked for again.
    if (this.#session !== undefined && status === 200) this.#begin();
    if (this.#stream !== undefined) return this.#stream.finish(message);
    if (!this.#begun) sendJson(this.#response, status, message, headers);
    else {
      writeEvent(this.#response, JSON.stringify(message), undefined, true);
      this.#response.end();
    }
    hangUpOnIdleReader(this.#response);
  }

  /** A stream from the start, for what is one long answer. */
  begin(): boolean {
    return this.#begin();
  }

  #begin(): boolean {
    if (this.#begun) return true;
    if (!this.#takesStream || this.#response.headersSent || this.#response.destroyed) return false;
    this.#begun = true;
    if (this.#session === undefined) beginEventStream(this.#response);
    else this.#stream = this.#session.beginStream(this.#response, { 'mcp-session-id': this.#session.spec.id });
    return true;
  }
}
