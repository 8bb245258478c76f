import { visible } from './visible.ts';

/** For a POSIX shell. */
export function quoteForShell(word: string): string {
  return /^[A-Za-z0-9_./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A word of a server's within a line that people are told to type: one word it stays, whatever it holds. */
export const wordToType = (word: string): string => quoteForShell(visible(word));
