import { isControl, isInvisible, nameCodePoint } from '../contract/printable.ts';

/**
 * Makes any text safe for a terminal and honest for a reader: what would move the cursor, change colours, hide, or turn the
 * direction of writing is shown as `<U+001B>` instead of being sent. Everything that came from elsewhere goes through here.
 */
export function visible(text: string): string {
  let shown = '';
  for (const character of text)
    shown += isControl(character) || isInvisible(character) ? `<${nameCodePoint(character)}>` : character;
  return shown;
}

/** The same for text of several lines: lines stay lines, each one made visible. A lone carriage return is no line end. */
export function visibleLines(text: string): readonly string[] {
  return text.split('\n').map(visible);
}

/** For a column: never cut without a mark, so that nobody takes the beginning for the whole. */
export function visibleShort(text: string, width: number): string {
  const shown = visible(text);
  const characters = [...shown];
  return characters.length <= width ? shown : `${characters.slice(0, width - 1).join('')}…`;
}
