import type { AuditEvent } from './http/audit.ts';
import { isControl, isInvisible } from './printable.ts';

/** One event a line, whatever is in it. */
export const toJsonLines = (events: readonly AuditEvent[]): string =>
  events.map((event) => `${JSON.stringify(event)}\n`).join('');

const columns = ['at', 'kind', 'actor', 'method', 'subject', 'reason', 'before', 'after', 'detail'] as const;

/** RFC 4180, for spreadsheets: what would be read as a formula is text there, and a line stays one line. */
export const toCsv = (events: readonly AuditEvent[]): string => csvHead + toCsvLines(events);

export const csvHead = `${columns.join(',')}\r\n`;

/** Without the head, for what is written piece by piece. */
export const toCsvLines = (events: readonly AuditEvent[]): string =>
  events.map((event) => `${columns.map((column) => cell(asText(event[column]))).join(',')}\r\n`).join('');

const asText = (value: AuditEvent[(typeof columns)[number]]): string =>
  typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value);

function cell(text: string): string {
  const plain = spellOut(text);
  const safe = /^[\s]*[=+\-@]/.test(plain) ? `'${plain}` : plain;
  return `"${safe.replaceAll('"', '""')}"`;
}

/** As JSON escapes: also what a spreadsheet would not show, or would take for the end of a line. */
function spellOut(text: string): string {
  let shown = '';
  for (const character of text)
    shown +=
      isControl(character) || isInvisible(character)
        ? [...Array(character.length).keys()]
            .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
            .join('')
        : character;
  return shown;
}
