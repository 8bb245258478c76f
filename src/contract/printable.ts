/**
 * What a person would not see, or would see as something else: control characters, invisible and direction-changing ones.
 * One table for those who refuse such text (the API) and those who show it (the terminal).
 */
const controlPattern = /[\u0000-\u001f\u007f-\u009f]/u;
const invisible: readonly (readonly [number, number])[] = [
  [0x00ad, 0x00ad], // soft hyphen
  [0x034f, 0x034f], // combining grapheme joiner
  [0x061c, 0x061c], // arabic letter mark
  [0x115f, 0x1160], // hangul fillers
  [0x17b4, 0x17b5], // khmer inherent vowels
  [0x180b, 0x180f], // mongolian selectors and vowel separator
  [0x200b, 0x200f], // zero-width characters and direction marks
  [0x2028, 0x202e], // line and paragraph separators, direction embeddings and overrides
  [0x2060, 0x206f], // word joiner, invisible operators, direction isolates
  [0x2800, 0x2800], // braille blank
  [0x3164, 0x3164], // hangul filler
  [0xd800, 0xdfff], // a surrogate that stands alone
  [0xfe00, 0xfe0f], // variation selectors
  [0xfeff, 0xfeff], // byte order mark
  [0xffa0, 0xffa0], // half-width hangul filler
  [0xfff0, 0xfffb], // specials and interlinear annotation
  [0x1bca0, 0x1bca3], // shorthand format controls
  [0x1d173, 0x1d17a], // musical format controls
  [0xe0000, 0xe0fff], // tag characters and further variation selectors
];

export const isControl = (character: string): boolean => controlPattern.test(character);

export function isInvisible(character: string): boolean {
  const codePoint = character.codePointAt(0);
  return codePoint !== undefined && invisible.some(([from, to]) => codePoint >= from && codePoint <= to);
}

/** `U+202E`; four digits at least. */
export function nameCodePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** The first character that hides or moves, with its place (from 1), or undefined. `allowed` names those taken on purpose. */
export function findUnprintable(
  text: string,
  allowed = '',
): { readonly at: number; readonly name: string } | undefined {
  let at = 0;
  for (const character of text) {
    at += 1;
    if (allowed.includes(character)) continue;
    if (isControl(character) || isInvisible(character)) return { at, name: nameCodePoint(character) };
  }
  return undefined;
}

/** One line that may be shown anywhere: what hides, moves or breaks a line becomes a space, and what is cut says so. */
export function plainText(text: string, most: number): string {
  // Not looked through to its end: somebody may send a name of a megabyte.
  const head = text.slice(0, most * 4);
  let plain = '';
  for (const character of head) plain += isControl(character) || isInvisible(character) ? ' ' : character;
  const characters = [...plain.replaceAll(/ {2,}/g, ' ').trim()];
  const isWhole = head.length === text.length && characters.length <= most;
  return isWhole ? characters.join('') : `${characters.slice(0, most - 1).join('')}…`;
}
