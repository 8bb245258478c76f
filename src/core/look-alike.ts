/**
 * What a name looks like to somebody who reads it quickly: two names with one look are taken for each other. Only for refusing;
 * nothing is ever allowed because two looks are the same. Each letter is written out by itself, as the strokes that it may be taken
 * for, so that it makes no difference in how many steps, or in which order, one name was made of the other.
 */
export const lookOf = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[-_.]/g, '')
    .replaceAll(/[0-9a-z|]/g, (letter) => strokes[letter] ?? letter);

/** No two digits are drawn alike: "step_6" is not "step_8". */
const strokes: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'l',
  '2': 'z',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '8': 'b',
  '9': 'g',
  '|': 'l',
  'i': 'l',
  'd': 'cl',
  'm': 'rn',
  'w': 'vv',
};

/** Ours are reached by `estop__<tool>`: no server and no tool may read like that. */
export const looksLikeOurs = (name: string): boolean => lookOf(name).startsWith(lookOf('estop'));
