/** Options of a program, each known by its letter or whole name; one that is not known is refused, and so is a shortened name. */
import type { ShellWord } from './shell-words.ts';

export interface Options {
  /** Letters that stand alone, or together. */
  readonly letters?: string;
  /** Letters with a value, in the same word or the next. */
  readonly valued?: Readonly<Record<string, RegExp>>;
  /** `--name`; with a pattern `--name=value`. */
  readonly names?: Readonly<Record<string, RegExp | true>>;
  /** `-20`. */
  readonly count?: true;
}

export interface Given {
  readonly operands: readonly ShellWord[];
  /** Letters and names that were given, with their values. */
  readonly options: ReadonlyMap<string, string>;
}

export function optionsIn(words: readonly ShellWord[], known: Options): Given | undefined {
  const operands: ShellWord[] = [];
  const options = new Map<string, string>();
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at];
    if (word === undefined) return undefined;
    const { text } = word;
    if (text === '--') return { operands: [...operands, ...words.slice(at + 1)], options };
    if (!text.startsWith('-') || text === '-') operands.push(word);
    else if (word.isPattern && !/^--(?:include|exclude)=\*\.\w+$/.test(text)) return undefined;
    else if (text.startsWith('--')) {
      const [, name = '', value] = /^--([a-z-]+)(?:=([^]*))?$/.exec(text) ?? [];
      const form = known.names !== undefined && Object.hasOwn(known.names, name) ? known.names[name] : undefined;
      if (form === undefined || (form === true ? value !== undefined : value === undefined || !form.test(value)))
        return undefined;
      if (value !== undefined && options.has(name)) return undefined;
      options.set(name, value ?? '');
    } else if (!(known.count === true && /^-\d{1,6}$/.test(text))) {
      const taken = lettersOf(text.slice(1), words[at + 1], known, options);
      if (taken === undefined) return undefined;
      at += taken;
    }
  }
  return { operands, options };
}

/** How many words after this one belong to it. */
function lettersOf(
  letters: string,
  next: ShellWord | undefined,
  { letters: alone = '', valued = {} }: Options,
  options: Map<string, string>,
): number | undefined {
  for (const [at, letter] of [...letters].entries()) {
    const form = Object.hasOwn(valued, letter) ? valued[letter] : undefined;
    if (form === undefined) {
      if (!alone.includes(letter)) return undefined;
      options.set(letter, '');
      continue;
    }
    const rest = letters.slice(at + 1);
    if (rest === '' && next?.isPattern !== false) return undefined;
    const value = rest === '' ? (next?.text ?? '') : rest;
    // Of two that are given one counts, or both: who asks for one would not know.
    if (!form.test(value) || options.has(letter)) return undefined;
    options.set(letter, value);
    return rest === '' ? 1 : 0;
  }
  return 0;
}
