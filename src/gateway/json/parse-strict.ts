/**
 * JSON as an approval can be hashed from: what two readers could understand differently is refused. Beyond RFC 8259 that is:
 * no duplicate keys, no integer beyond 2^53 - 1 and no number that overflows, no lone surrogate, strict UTF-8, bounded depth and number
 * of values: three bytes of a body can be an object of five hundred in memory.
 * Objects come out without a prototype, so that `__proto__` and `constructor` are keys like any other.
 */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

export type StrictResult =
  | { readonly ok: true; readonly value: JsonValue }
  | { readonly ok: false; readonly problem: string };

export const maxDepth = 64;
/** Of all values of one body: some 40,000 objects, or ten times as many of anything else. A long conversation has a tenth of it. */
const mostValues = 400_000;
const valuesOfObject = 10;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** A run of characters that need no thought: no quote, no backslash, no control character. */
const plain = /[^"\\\u0000-\u001f]*/y;
const halfPair = /\p{Surrogate}/u;

export function parseStrict(bytes: Uint8Array): StrictResult {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { ok: false, problem: 'the body is not valid UTF-8' };
  }
  try {
    return { ok: true, value: new Reader(text).document() };
  } catch (thrown) {
    if (thrown instanceof Refused) return { ok: false, problem: thrown.message };
    throw thrown;
  }
}

class Refused extends Error {}

class Reader {
  readonly #text: string;
  #at = 0;
  #left = mostValues;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonValue {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) this.#refuse('there is text after the JSON value');
    return value;
  }

  #value(depth: number): JsonValue {
    if (depth > maxDepth) this.#refuse(`values are nested deeper than ${maxDepth}`);
    this.#space();
    const first = this.#text.charCodeAt(this.#at);
    this.#left -= first === 0x7b ? valuesOfObject : 1;
    if (this.#left < 0) this.#refuse('there are more values in it than are read');
    switch (first) {
      case 0x7b:
        return this.#object(depth);
      case 0x5b:
        return this.#array(depth);
      case 0x22:
        return this.#string();
      case 0x74:
        return this.#word('true', true);
      case 0x66:
        return this.#word('false', false);
      case 0x6e:
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonObject {
    // A plain object without a prototype; the key is the client's, the value was read by this parser.
    const object = Object.create(null) as Record<string, JsonValue>;
    this.#at += 1;
    this.#space();
    if (this.#takes(0x7d)) return object;
    for (;;) {
      this.#space();
      if (this.#text.charCodeAt(this.#at) !== 0x22) this.#refuse('a key must be a string');
      const key = this.#string();
      if (key in object) this.#refuse(`the key ${JSON.stringify(key.slice(0, 64))} stands twice in one object`);
      this.#space();
      if (!this.#takes(0x3a)) this.#refuse('a colon is missing');
      object[key] = this.#value(depth + 1);
      this.#space();
      if (this.#takes(0x7d)) return object;
      if (!this.#takes(0x2c)) this.#refuse('a comma or a closing brace is missing');
    }
  }

  #array(depth: number): readonly JsonValue[] {
    const array: JsonValue[] = [];
    this.#at += 1;
    this.#space();
    if (this.#takes(0x5d)) return array;
    for (;;) {
      array.push(this.#value(depth + 1));
      this.#space();
      if (this.#takes(0x5d)) return array;
      if (!this.#takes(0x2c)) this.#refuse('a comma or a closing bracket is missing');
    }
  }

  #string(): string {
    const begin = this.#at;
    let escaped = false;
    this.#at += 1;
    for (;;) {
      plain.lastIndex = this.#at;
      plain.test(this.#text);
      this.#at = plain.lastIndex;
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) break;
      if (code !== 0x5c) this.#refuse('a string holds a raw control character or does not end');
      escaped = true;
      this.#at += 2;
    }
    this.#at += 1;
    const raw = this.#text.slice(begin + 1, this.#at - 1);
    return escaped ? this.#unescape(raw) : raw;
  }

  #unescape(raw: string): string {
    let value: string;
    try {
      value = JSON.parse(`"${raw}"`) as string; // a quoted JSON string parses to a string or throws
    } catch {
      return this.#refuse('a string holds an escape that JSON does not have');
    }
    // Text that was decoded from UTF-8 has none; an escape can write one.
    if (halfPair.test(value)) this.#refuse('a string holds half of a surrogate pair');
    return value;
  }

  #number(): number {
    number.lastIndex = this.#at;
    const match = number.exec(this.#text);
    if (match === null) return this.#refuse('a value is missing or not JSON');
    this.#at = number.lastIndex;
    const value = Number(match[0]);
    if (!Number.isFinite(value)) this.#refuse('a number is too large');
    if (Number.isInteger(value) && !Number.isSafeInteger(value))
      this.#refuse('an integer is too large to be exact; send it as a string');
    return value;
  }

  #word<Value extends boolean | null>(word: string, value: Value): Value {
    if (!this.#text.startsWith(word, this.#at)) this.#refuse('a value is not JSON');
    this.#at += word.length;
    return value;
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at += 1;
    }
  }

  #takes(code: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== code) return false;
    this.#at += 1;
    return true;
  }

  #refuse(problem: string): never {
    throw new Refused(`${problem} (at character ${this.#at + 1})`);
  }
}
