/**
 * What a name looks like to somebody who reads it quickly: two names with one look are taken for each other. Only for refusing;
 * nothing is ever allowed because two looks are the same.
 */
export function lookOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[-_.]/g, '')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
    .replaceAll('cl', 'd')
    .replaceAll(/[014589|i]/g, (letter) => drawnAlike[letter] ?? letter);
}

const drawnAlike: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'l',
  '4': 'a',
  '5': 's',
  '8': 'b',
  '9': 'g',
  '|': 'l',
  'i': 'l',
};

/** Ours are reached by `estop__<tool>`: no server and no tool may read like that. */
export const looksLikeOurs = (name: string): boolean => lookOf(name).startsWith(lookOf('estop'));
