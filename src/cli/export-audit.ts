import { csvHead, toCsvLines, toJsonLines } from '../contract/audit-export.ts';
import { plural } from '../contract/plural.ts';
import type { AuditFilter } from '../sdk/overview.ts';
import type { CliContext } from './context.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { endWhenUnheard } from './go-on-unheard.ts';
import { wordToType } from './quote-for-shell.ts';

export interface ExportOptions extends AuditFilter {
  readonly format: 'csv' | 'jsonl';
}

const aPage = 200;

/** Page by page, so that what is kept in memory does not grow with the audit; what was written says where it ends. */
export async function exportAudit(
  { terminal, estop }: CliContext,
  { format, cursor, ...filter }: ExportOptions,
): Promise<ExitCode> {
  endWhenUnheard(exitCodes.partial);
  const asLines = format === 'csv' ? toCsvLines : toJsonLines;
  let next = cursor;
  let written = 0;
  let ends: { readonly newest: string; readonly oldest: string } | undefined;
  // Where the last export broke off there is a head already.
  let head = format === 'csv' && cursor === undefined ? csvHead : '';
  try {
    do {
      const page = await estop.overview.audit({
        ...filter,
        limit: aPage,
        ...(next === undefined ? {} : { cursor: next }),
      });
      await terminal.write(head + asLines(page.items));
      head = '';
      next = page.next ?? undefined;
      written += page.items.length;
      const [newest, oldest] = [page.items[0]?.at, page.items.at(-1)?.at];
      if (newest !== undefined && oldest !== undefined) ends = { newest: ends?.newest ?? newest, oldest };
    } while (next !== undefined);
  } catch (thrown) {
    if (written > 0)
      terminal.say(
        `Broken off after ${plural(written, 'event')}: this is not all. To go on: add --cursor ${wordToType(next ?? '')}`,
      );
    throw thrown;
  }
  terminal.say(
    ends === undefined
      ? 'Nothing matches.'
      : `${plural(written, 'event')}, newest first, from ${ends.newest} back to ${ends.oldest}. Nothing that matches is left out.`,
  );
  return exitCodes.confirmed;
}
