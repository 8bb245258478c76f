import { createReadStream, readFileSync } from 'node:fs';

/** A file as text, without the mark that some editors put in front of it. */
export const textOf = (file: string): string => new TextDecoder().decode(readFileSync(file));

/**
 * Lines of JSON, as they are read: a line ends where `\n` stands, and nowhere else. Node's readline ends one at U+2028 and U+2029 as
 * well, which JSON leaves as they are within a string, and which the pages that agents read are full of.
 */
export async function* linesOf(file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest: string[] = [];
  for await (const chunk of createReadStream(file)) {
    const [first = '', ...others] = decoder.decode(chunk as Buffer, { stream: true }).split('\n'); // no encoding was asked for: bytes
    rest.push(first);
    for (const other of others) {
      yield rest.join('');
      rest = [other];
    }
  }
  yield rest.join('') + decoder.decode();
}
