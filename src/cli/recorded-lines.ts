import { createReadStream, readFileSync, statSync } from 'node:fs';
import { EstopError } from '../sdk/index.ts';
import { visible } from './visible.ts';

const mebibyte = 1024 * 1024;
/** What is held at once: a file of definitions, or one run. */
const mostText = 256 * mebibyte;
const longestLine = 64 * mebibyte;

/** A file as text, without the mark that some editors put in front of it. */
export function textOf(file: string): string {
  if (statSync(file).size > mostText) throw tooMuch(visible(file), mostText);
  return new TextDecoder().decode(readFileSync(file));
}

const tooMuch = (what: string, most: number): EstopError =>
  new EstopError('invalid-input', { detail: `${what} is longer than ${most / mebibyte} MiB.` });

/**
 * Lines of JSON, as they are read: a line ends where `\n` stands, and nowhere else. Node's readline ends one at U+2028 and U+2029 as
 * well, which JSON leaves as they are within a string, and which the pages that agents read are full of.
 */
export async function* linesOf(file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest: string[] = [];
  let length = 0;
  let number = 1;
  for await (const chunk of createReadStream(file)) {
    const [first = '', ...others] = decoder.decode(chunk as Buffer, { stream: true }).split('\n'); // no encoding was asked for: bytes
    rest.push(first);
    length += first.length;
    for (const other of others) {
      yield rest.join('');
      rest = [other];
      length = other.length;
      number += 1;
    }
    if (length > longestLine) throw tooMuch(`${visible(file)}:${number}`, longestLine);
  }
  yield rest.join('') + decoder.decode();
}
