import { html } from 'hono/html';
import { plural } from '../../contract/plural.ts';
import { diffLines } from '../../core/diff-lines.ts';
import { type Markup, spelledOut } from './markup.ts';

/** What a machine wrote, whole, behind a fence that says who wrote it. It is text and nothing else: no link, no picture, no markup. */
export function fenced(who: string, text: string): Markup {
  return html`<figure class="fenced"><figcaption>${who} · ${plural([...text].length, 'character')}, all shown</figcaption><pre tabindex="0">${spelledOut(text, '\n\t')}</pre></figure>`;
}

/** The same, line by line against what it is compared with. Signs stand beside the colours. */
export function fencedDiff(who: string, before: string, after: string): Markup {
  const lines = diffLines(before.split('\n'), after.split('\n'));
  return html`<figure class="fenced diff"><figcaption>${who}</figcaption><pre tabindex="0">${lines.map(
    ({ sign, text }) => {
      const shown = html`${sign} ${spelledOut(text, '\t')}`;
      if (sign === '+') return html`<ins>${shown}</ins>`;
      return sign === '-' ? html`<del>${shown}</del>` : html`${shown}\n`;
    },
  )}</pre></figure>`;
}
