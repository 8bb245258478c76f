import { GatheredBytes } from '../../contract/gathered-bytes.ts';
import { bufferOf } from './buffer-of.ts';

export interface SplitEvents {
  readonly events: readonly Buffer[];
  /** What follows the last whole event. */
  readonly tail: Buffer;
}

/** The longest end of an event but for its last byte. */
const edge = 3;

/**
 * An event stream in the pieces in which it comes. Where no event ends nothing is looked at a second time: a server that sends a
 * large one byte by byte would otherwise have this thread to itself.
 */
export class EventBytes {
  readonly #split: (bytes: Buffer) => SplitEvents;
  readonly #end: RegExp;
  readonly #held = new GatheredBytes();

  constructor(split: (bytes: Buffer) => SplitEvents, end: RegExp) {
    this.#split = split;
    this.#end = end;
  }

  /** Of the event that has not ended yet. */
  get size(): number {
    return this.#held.length;
  }

  /** Those that ended with this piece. */
  add(piece: Buffer): readonly Buffer[] {
    const before = this.#held.length;
    this.#held.add(piece);
    if (before > 0 && !this.#end.test(bufferOf(this.#held.from(Math.max(0, before - edge))).toString('latin1')))
      return [];
    const { events, tail } = this.#split(bufferOf(this.#held.take()));
    this.#held.add(tail);
    return events;
  }

  /** What never became one. */
  rest(): Buffer {
    return bufferOf(this.#held.take());
  }
}
