import { html } from 'hono/html';
import { plural } from '../../contract/plural.ts';
import { type DiffLine, diffLines } from '../../core/diff-lines.ts';
import { type Markup, spelledOut } from './markup.ts';

/** What a machine wrote, whole, behind a fence that says who wrote it. It is text and nothing else: no link, no picture, no markup. */
export function fenced(who: string, text: string): Markup {
  return html`<figure class="fenced"><figcaption>${who} · ${plural([...text].length, 'character')}, all shown</figcaption><pre tabindex="0">${spelledOut(text, '\n\t')}</pre></figure>`;
}

const around = 3;

/** Only what differs, and a few lines around it: where the whole of both stands elsewhere, and what differs must not be overlooked in it. */
export function fencedChanges(who: string, before: string, after: string): Markup {
  const lines = diffLines(before.split('\n'), after.split('\n'));
  const isShown = (at: number): boolean =>
    lines.slice(Math.max(0, at - around), at + around + 1).some(({ sign }) => sign !== ' ');
  const shown = lines.flatMap((line, at) => {
    if (isShown(at)) return [diffLine(line)];
    const isFirst = at === 0 || isShown(at - 1);
    if (!isFirst) return [];
    let end = at;
    while (end < lines.length && !isShown(end)) end += 1;
    return [html`@@ ${plural(end - at, 'line')} as before\n`];
  });
  return html`<figure class="fenced diff"><figcaption>${who}</figcaption><pre tabindex="0">${shown}</pre></figure>`;
}

/** The same, line by line against what it is compared with. Signs stand beside the colours. */
export function fencedDiff(who: string, before: string, after: string): Markup {
  const lines = diffLines(before.split('\n'), after.split('\n'));
  return html`<figure class="fenced diff"><figcaption>${who}</figcaption><pre tabindex="0">${lines.map(diffLine)}</pre></figure>`;
}

function diffLine({ sign, text }: DiffLine): Markup {
  const shown = html`${sign} ${spelledOut(text, '\t')}`;
  if (sign === '+') return html`<ins>${shown}</ins>`;
  return sign === '-' ? html`<del>${shown}</del>` : html`${shown}\n`;
}
