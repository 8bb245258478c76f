import { isControl, isInvisible, nameCodePoint } from '../contract/printable.ts';

/** Most of what is shown, and not worth a look at each letter. */
const plain = /^[ -~]*$/;

/**
 * Makes any text safe for a terminal and honest for a reader: what would move the cursor, change colours, hide, or turn the
 * direction of writing is shown as `<U+001B>` instead of being sent. Everything that came from elsewhere goes through here.
 */
export function visible(text: string): string {
  if (plain.test(text)) return text;
  let shown = '';
  for (const character of text)
    shown += isControl(character) || isInvisible(character) ? `<${nameCodePoint(character)}>` : character;
  return shown;
}

/** The same for text of several lines: lines stay lines, each one made visible. A lone carriage return is no line end. */
export function visibleLines(text: string): readonly string[] {
  return text.split('\n').map(visible);
}

/** What this program itself paints with: no code of it hides, moves, or is anything but a colour or a weight. */
const paint = /(\u001b\[(?:[012]|22|31|32|33|39)m)/;

/** A finished line, as the terminal takes it: whatever a command forgot to make visible is made so here, and only our colours pass. */
export const visibleLine = (line: string): string =>
  line
    .split(paint)
    .map((part, at) => (at % 2 === 1 ? part : visible(part)))
    .join('');

/** The same JSON, letter by letter the same value: what acts on a terminal or hides in it stands there by its number. */
export function visibleJson(document: string): string {
  if (plain.test(document)) return document;
  let shown = '';
  for (const character of document)
    shown += character !== '\n' && (isControl(character) || isInvisible(character)) ? numbered(character) : character;
  return shown;
}

const numbered = (character: string): string =>
  Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('');

/** For a column: never cut without a mark, so that nobody takes the beginning for the whole. */
export function visibleShort(text: string, width: number): string {
  const shown = visible(text);
  const characters = [...shown];
  return characters.length <= width ? shown : `${characters.slice(0, width - 1).join('')}…`;
}
