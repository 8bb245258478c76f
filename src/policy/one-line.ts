import { isControl, isInvisible } from '../contract/printable.ts';

/** Shown to people in a terminal and to models: nothing in it may hide or move what stands around it. */
export function oneLine(text: string): boolean {
  if (text.trim() === '' || text.length > 200) return false;
  return [...text].every((character) => !isControl(character) && !isInvisible(character));
}
