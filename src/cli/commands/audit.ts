import { changeLines, detailLines } from '../../contract/audit-words.ts';
import type { AuditEvent } from '../../contract/http/audit.ts';
import { EstopError } from '../../sdk/index.ts';
import type { AuditFilter } from '../../sdk/overview.ts';
import { type CliCommand, examples } from '../command.ts';
import type { CliContext } from '../context.ts';
import { exitCodes } from '../exit-code.ts';
import { type PageOptions, pageQuery, withPageOptions } from '../page-options.ts';
import { printPage } from '../print.ts';
import { renderTable } from '../table.ts';

type AuditOptions = PageOptions & { readonly all?: boolean } & Pick<
    AuditFilter,
    'kind' | 'actor' | 'subject' | 'since' | 'until'
  >;

export const audit: CliCommand = {
  build: (command, run) => {
    withPageOptions(command)
      .option('--kind <beginning>', 'how its kind begins, for example stop. or request.denied')
      .option('--actor <name>', 'who did it')
      .option('--subject <id>', 'what it was done to')
      .option('--since <instant>', 'ISO 8601')
      .option('--until <instant>', 'ISO 8601')
      .option('--all', 'every page, to the oldest')
      .addHelpText('after', examples('audit --kind stop.', 'audit --actor olga -o jsonl', 'audit --all -o jsonl'))
      .action(run((context, options: AuditOptions) => print(context, options)));
  },
};

async function print({ terminal, estop }: CliContext, { limit, cursor, all, ...filter }: AuditOptions) {
  if (all === true && terminal.format === 'json')
    throw new EstopError('invalid-input', { detail: 'All of them are lines, not one document: add -o jsonl.' });
  let next = cursor;
  do {
    const asked = { limit: all === true ? 200 : limit, ...(next === undefined ? {} : { cursor: next }) };
    const page = await estop.overview.audit({ ...filter, ...pageQuery(asked) });
    next = page.next ?? undefined;
    printPage(terminal, all === true ? { ...page, next: null } : page, lines);
    if (page.items.length === 0) terminal.say(cursor === undefined ? 'Nothing matches.' : 'Nothing further back.');
  } while (all === true && next !== undefined);
  return exitCodes.confirmed;
}

const changes = ({ before, after }: AuditEvent): string => changeLines(before, after).join(', ') || '-';

const lines = (items: readonly AuditEvent[]): readonly string[] =>
  renderTable<AuditEvent>(
    [
      { title: 'when', cell: (row) => row.at.slice(0, 19).replace('T', ' ') },
      { title: 'what', cell: (row) => row.kind },
      { title: 'who', cell: (row) => row.actor, width: 30 },
      { title: 'how', cell: (row) => row.method, width: 20 },
      { title: 'to what', cell: (row) => row.subject, width: 44 },
      { title: 'why', cell: (row) => row.reason ?? '-', width: 40 },
      { title: 'before → after', cell: changes, width: 80 },
      { title: 'detail', cell: (row) => detailLines(row.detail).join(', '), width: 80 },
    ],
    items,
  );
