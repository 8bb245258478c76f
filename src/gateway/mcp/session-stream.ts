import type { ServerResponse } from 'node:http';
import { beginEventStream, hangUpOnIdleReader, writeEvent } from '../http/event-stream.ts';

const mostEvents = 256;
/** After how long a client whose connection broke comes again. */
const retryMs = 1_000;
const mostBytes = 512 * 1024;

interface KeptEvent {
  readonly number: number;
  readonly data: string;
}

/**
 * One stream of a session: what was said on it lately is kept, so that a client whose connection broke can ask for what came
 * after the last that it has read. Only so much: what is older is gone.
 */
export class SessionStream {
  readonly key: string;
  readonly #kept: KeptEvent[] = [];
  #bytes = 0;
  #number = 0;
  #response: ServerResponse | undefined;
  #done = false;

  constructor(key: string) {
    this.key = key;
  }

  get isDone(): boolean {
    return this.#done;
  }

  get isRead(): boolean {
    return this.#response !== undefined && !this.#response.destroyed;
  }

  /** `primed`: a first event that says nothing but its own number, for revisions that know what it is for. */
  attach(response: ServerResponse, headers: Readonly<Record<string, string>>, primed: boolean, after?: number): void {
    this.#response?.end();
    this.#response = response;
    beginEventStream(response, headers);
    if (after === undefined && primed) response.write(`id: ${this.key}_${this.#number}\nretry: ${retryMs}\ndata: \n\n`);
    for (const event of this.#kept)
      if (event.number > (after ?? -1)) writeEvent(response, event.data, this.#idOf(event), true);
    if (this.#done) this.#end();
  }

  say(message: object): void {
    if (this.#done) return;
    this.#number += 1;
    const event = { number: this.#number, data: JSON.stringify(message) };
    this.#keep(event);
    if (this.#response !== undefined) writeEvent(this.#response, event.data, this.#idOf(event));
  }

  /** The last word. */
  finish(message: object): void {
    if (this.#done) return;
    this.#number += 1;
    const event = { number: this.#number, data: JSON.stringify(message) };
    this.#keep(event);
    this.#done = true;
    if (this.#response === undefined) return;
    writeEvent(this.#response, event.data, this.#idOf(event), true);
    this.#end();
  }

  /** Cut off: nothing more, and not what was kept either. */
  destroy(): void {
    this.#done = true;
    this.#kept.length = 0;
    this.#response?.destroy();
  }

  #end(): void {
    if (this.#response === undefined) return;
    this.#response.end();
    hangUpOnIdleReader(this.#response);
  }

  #idOf({ number }: KeptEvent): string {
    return `${this.key}_${number}`;
  }

  #keep(event: KeptEvent): void {
    this.#kept.push(event);
    this.#bytes += event.data.length;
    while (this.#kept.length > mostEvents || this.#bytes > mostBytes) {
      const dropped = this.#kept.shift();
      if (dropped === undefined) break;
      this.#bytes -= dropped.data.length;
    }
  }
}

/** Undefined for what no stream of ours is called. */
export function readEventId(id: string): { readonly key: string; readonly number: number } | undefined {
  const match = /^([a-z0-9]{1,32})_(\d{1,12})$/.exec(id);
  return match?.[1] === undefined ? undefined : { key: match[1], number: Number(match[2]) };
}
