import type { AuditEvent } from '../contract/http/audit.ts';
import { isControl, isInvisible } from '../contract/printable.ts';

/** One event a line, whatever is in it. */
export const toJsonLines = (events: readonly AuditEvent[]): string =>
  events.map((event) => `${JSON.stringify(event)}\n`).join('');

const columns = ['at', 'kind', 'actor', 'method', 'subject', 'reason', 'before', 'after', 'detail'] as const;

/** RFC 4180, for spreadsheets: what would be read as a formula is text there, and a line stays one line. */
export function toCsv(events: readonly AuditEvent[]): string {
  const lines = events.map((event) => columns.map((column) => cell(asText(event[column]))).join(','));
  return [columns.join(','), ...lines, ''].join('\r\n');
}

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
