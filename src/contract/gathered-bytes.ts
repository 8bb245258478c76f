const smallest = 4_096;

/**
 * What comes in pieces, in one place. As a list each piece would be an object of its own: of a body that is sent byte by byte that is
 * four hundred times what was sent, and a process without memory.
 */
export class GatheredBytes {
  #held: Uint8Array = new Uint8Array();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (this.#length === 0) {
      // Mostly it is the only one.
      this.#held = piece;
    } else {
      if (length > this.#held.length) this.#grow(length);
      this.#held.set(piece, this.#length);
    }
    this.#length = length;
  }

  /** What there is from there on: these bytes themselves, and no copy. */
  from(begin: number): Uint8Array {
    return this.#held.subarray(begin, this.#length);
  }

  /** All of it. What is added from here on begins anew. */
  take(): Uint8Array {
    const all = this.from(0);
    this.#held = new Uint8Array();
    this.#length = 0;
    return all;
  }

  /** Always into a new place: the one before may be the sender's own. */
  #grow(length: number): void {
    const larger = new Uint8Array(Math.max(smallest, length, this.#length * 2));
    larger.set(this.#held.subarray(0, this.#length));
    this.#held = larger;
  }
}
