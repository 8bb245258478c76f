import { html } from 'hono/html';
import { isControl, isInvisible, nameCodePoint } from '../../contract/printable.ts';

/** What a page is made of. Everything put into an `html` template is escaped, unless it is markup itself. */
export type Markup = ReturnType<typeof html>;

/**
 * Text from elsewhere: isolated, so that its writing direction changes nothing around it, and with every character that hides or
 * moves spelled out. Cut only with a mark that says so and how long it is.
 */
export function foreign(text: string, most = 300): Markup {
  const cut = cutAt(text, most);
  const shown = spelledOut(cut).map((part) => (typeof part === 'string' ? breakable(part) : part));
  return cut.length < text.length
    ? html`<bdi>${shown}</bdi><span class="cut" title="cut here">… ${[...text].length} characters</span>`
    : html`<bdi>${shown}</bdi>`;
}

/** A name that is too long to stand beside a label on a phone breaks where a word of it ends; at hyphens browsers break by themselves. */
const breakable = (text: string): readonly (string | Markup)[] =>
  text
    .split(/(\S{16,})/)
    .flatMap((part, index) => (index % 2 === 0 ? [part] : part.split(/(?<=[_./])(?=[^_./])/).flatMap(afterBreak)));
const mayBreak = html`<wbr>`;
const afterBreak = (word: string, index: number): readonly (string | Markup)[] =>
  index === 0 ? [word] : [mayBreak, word];

/** Never in the middle of a character. */
function cutAt(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = /[\ud800-\udbff]/.test(text.charAt(most - 1)) ? most - 1 : most;
  return text.slice(0, end);
}

/** Line breaks and tabs stay what they are where `allowed` says so; a lone carriage return never does. */
export function spelledOut(text: string, allowed = ''): readonly (string | Markup)[] {
  const parts: (string | Markup)[] = [];
  let plain = '';
  for (const character of text) {
    if (allowed.includes(character) || !(isControl(character) || isInvisible(character))) {
      plain += character;
      continue;
    }
    if (plain !== '') parts.push(plain);
    plain = '';
    parts.push(html`<span class="odd">${nameCodePoint(character)}</span>`);
  }
  if (plain !== '') parts.push(plain);
  return parts;
}

/** Also for what stands in an attribute or a title: the same, as plain text. */
export function plainly(text: string, most = 120): string {
  let shown = '';
  for (const character of cutAt(text, most))
    shown += isControl(character) || isInvisible(character) ? `<${nameCodePoint(character)}>` : character;
  return shown.length < text.length ? `${shown}…` : shown;
}

export const nothing: Markup = html``;
