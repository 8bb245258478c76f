import { wordToType } from './quote-for-shell.ts';
import type { Terminal } from './terminal.ts';

/** One thing, in the asked-for format. JSON is the API's own shape, untouched: a machine decides itself what to show. */
export function printOne(terminal: Terminal, value: unknown, toLines: () => readonly string[]): void {
  if (terminal.format === 'text') for (const line of toLines()) terminal.data(line);
  else terminal.data(terminal.format === 'json' ? JSON.stringify(value, null, 2) : JSON.stringify(value));
}

interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

/** A list: `json` is the page with its cursor, `jsonl` one item a line. */
export function printPage<Item>(
  terminal: Terminal,
  page: Page<Item>,
  toLines: (items: readonly Item[]) => readonly string[],
): void {
  if (terminal.format === 'json') return terminal.data(JSON.stringify(page, null, 2));
  if (terminal.format === 'jsonl') return page.items.forEach((item) => terminal.data(JSON.stringify(item)));
  for (const line of toLines(page.items)) terminal.data(line);
  if (page.next !== null) terminal.say(`More: add --cursor ${wordToType(page.next)}`);
}
