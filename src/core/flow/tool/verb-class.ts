/** What a verb alone says of a tool that has it in its name, or in front of its description. */
import { localVerbs, readVerbs, sinkVerbs } from '../language/words.ts';

export type Class = 'read' | 'local' | 'sink' | 'unknown';

export function classOf(word: string): Class {
  if (word === '') return 'unknown';
  if (readVerbs.has(word)) return 'read';
  if (sinkVerbs.has(word)) return 'sink';
  return localVerbs.has(word) ? 'local' : 'unknown';
}
