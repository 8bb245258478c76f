/** What a verb alone says of a tool that has it in its name, or in front of its description. */
import { stem } from '../language/stem.ts';
import { localVerbs, readVerbs, sinkVerbs } from '../language/words.ts';

export type Class = 'read' | 'local' | 'sink' | 'unknown';

export function classOf(word: string): Class {
  if (word === '') return 'unknown';
  if (readVerbs.has(word)) return 'read';
  if (sinkVerbs.has(word)) return 'sink';
  return localVerbs.has(word) ? 'local' : 'unknown';
}

/** A word, as it is written, that may be a deed. */
export function mayAct(word: string): boolean {
  const known = classOf(stem(word));
  return known === 'sink' || known === 'local';
}
