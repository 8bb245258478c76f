/** JSON, and what Python prints for lists and dictionaries. One pass; input that was cut off gives what was there. */
const depthLimit = 64;

class Unreadable extends Error {}

export interface Literal {
  readonly value: unknown;
  /** It ends before what it opened does: there may be more of it. */
  readonly cut: boolean;
}

/** How many letters the tolerant reader looks at, and after how many words, numbers and texts it stops. */
export interface LiteralLimits {
  readonly letters: number;
  readonly values: number;
}

const endless: LiteralLimits = { letters: Number.POSITIVE_INFINITY, values: Number.POSITIVE_INFINITY };

/** JSON that is whole is read whole, by the engine. */
export function parseLiteral(text: string, most: LiteralLimits = endless): Literal | undefined {
  if (/[}\]]\s*$/.test(text.slice(-8))) {
    try {
      return { value: JSON.parse(text) as unknown, cut: false }; // any, of the platform
    } catch {
      // Not JSON: the tolerant reader below says what it is.
    }
  }
  const reader = new Reader(text.slice(0, most.letters), most.values);
  try {
    const value = reader.value(0);
    return reader.atEnd() ? { value, cut: reader.cut } : undefined;
  } catch (thrown) {
    if (thrown instanceof Unreadable) return undefined; // thrown in this file alone
    throw thrown;
  }
}

class Reader {
  cut = false;
  private at = 0;
  private readonly text: string;
  private left: number;

  constructor(text: string, most: number) {
    this.text = text;
    this.left = most;
  }

  atEnd(): boolean {
    this.space();
    return this.at >= this.text.length;
  }

  value(depth: number): unknown {
    this.space();
    if (depth > depthLimit) throw new Unreadable();
    const letter = this.text.charAt(this.at);
    if (letter === '{') return this.dictionary(depth);
    if (letter === '[' || letter === '(') return this.list(depth, letter === '[' ? ']' : ')');
    if (letter === '"' || letter === "'") return this.string(letter);
    return this.word();
  }

  /** Behind the last that is wanted it reads as if the text ended there. */
  private member(depth: number): unknown {
    const value = this.value(depth);
    if (typeof value !== 'object') this.left -= 1;
    if (this.left <= 0) this.at = this.text.length;
    return value;
  }

  private dictionary(depth: number): unknown {
    const found: Record<string, unknown> = Object.create(null) as Record<string, unknown>; // an object without keys
    this.at += 1;
    for (;;) {
      this.space();
      if (this.ended('}')) return found;
      const key = this.value(depth + 1);
      this.space();
      if (this.isOver()) return found;
      if (this.text.charAt(this.at) !== ':') throw new Unreadable();
      this.at += 1;
      const name = String(key);
      const value = this.member(depth + 1);
      // A key that comes twice names two values; neither hides the other.
      found[name] = name in found ? [found[name], value].flat() : value;
      this.comma('}');
    }
  }

  private list(depth: number, close: string): unknown {
    const found: unknown[] = [];
    this.at += 1;
    for (;;) {
      this.space();
      if (this.ended(close)) return found;
      found.push(this.member(depth + 1));
      this.comma(close);
    }
  }

  private string(quote: string): string {
    let text = '';
    let from = this.at + 1;
    for (let at = from; ; at += 1) {
      const letter = this.text.charAt(at);
      if (letter === '') this.cut = true;
      if (letter === '' || letter === quote) {
        this.at = at + 1;
        return text + this.text.slice(from, at);
      }
      if (letter !== '\\') continue;
      const [meant, length] = escaped(this.text, at + 1);
      text += this.text.slice(from, at) + meant;
      at += length;
      from = at + 1;
    }
  }

  private word(): unknown {
    const pattern = /[\p{L}\p{N}_.+-]+(?:\([^()\n]{0,80}\))?/uy;
    pattern.lastIndex = this.at;
    const word = pattern.exec(this.text)?.[0];
    if (word === undefined) {
      if (this.isOver()) return null;
      throw new Unreadable();
    }
    this.at += word.length;
    if (word === 'None' || word === 'null') return null;
    if (word === 'True' || word === 'False') return word === 'True';
    return word;
  }

  private comma(close: string): void {
    this.space();
    const letter = this.text.charAt(this.at);
    if (letter === ',') this.at += 1;
    else if (letter !== close && letter !== '') throw new Unreadable();
  }

  private ended(close: string): boolean {
    if (this.isOver()) return true;
    if (this.text.charAt(this.at) !== close) return false;
    this.at += 1;
    return true;
  }

  /** In the middle of something. */
  private isOver(): boolean {
    this.cut ||= this.at >= this.text.length;
    return this.at >= this.text.length;
  }

  private space(): void {
    while (this.at < this.text.length && this.text.charCodeAt(this.at) <= 32) this.at += 1;
  }
}

const controls: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' };

/** What a backslash and the letters after it mean, and how many letters those are. */
function escaped(text: string, at: number): readonly [string, number] {
  const letter = text.charAt(at);
  const size = letter === 'u' ? 4 : letter === 'x' ? 2 : letter === 'U' ? 8 : 0;
  const hex = text.slice(at + 1, at + 1 + size);
  if (size > 0 && hex.length === size && /^[0-9a-f]+$/i.test(hex)) {
    const point = Number.parseInt(hex, 16);
    return [point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd', 1 + size];
  }
  return [controls[letter] ?? letter, 1];
}
