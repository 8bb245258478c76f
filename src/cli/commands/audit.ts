import { type Command, Option } from 'commander';
import { changeLines, detailLines } from '../../contract/audit-words.ts';
import type { AuditEvent } from '../../contract/http/audit.ts';
import { EstopError } from '../../sdk/index.ts';
import type { AuditFilter } from '../../sdk/overview.ts';
import { type CliCommand, examples } from '../command.ts';
import type { CliContext } from '../context.ts';
import { exitCodes } from '../exit-code.ts';
import type { ExportOptions } from '../export-audit.ts';
import { type PageOptions, pageQuery, withPageOptions } from '../page-options.ts';
import { printPage } from '../print.ts';
import { renderTable } from '../table.ts';

type AuditOptions = PageOptions & { readonly all?: boolean } & Pick<
    AuditFilter,
    'kind' | 'actor' | 'subject' | 'since' | 'until'
  >;

export const audit: CliCommand = {
  build: (command, run) => {
    withFilters(withPageOptions(command))
      .option('--all', 'every page, to the oldest')
      .addHelpText('after', examples('audit --kind stop.', 'audit --actor olga -o jsonl', 'audit --all -o jsonl'))
      .action(run((context, options: AuditOptions) => print(context, options)));
    withFilters(
      command.command('export').description('All that matches, to the oldest, for a spreadsheet or a program'),
    )
      .addOption(
        new Option('--format <format>', 'CSV in which nothing is a formula, or JSON lines')
          .choices(['csv', 'jsonl'])
          .default('csv'),
      )
      .option('--cursor <cursor>', 'go on where an export broke off; writes no second head')
      .addHelpText(
        'after',
        examples(
          'audit export > audit.csv',
          'audit export --kind stop. --since 2026-11-01T00:00:00Z --format jsonl > stops.jsonl',
        ),
      )
      // The command above it knows the same filters and takes them, wherever they stand.
      .action(
        run(async (context, own: ExportOptions, exporting: Command) => {
          const { all: _all, ...above }: Partial<AuditOptions> = exporting.parent?.opts() ?? {};
          return (await import('../export-audit.ts')).exportAudit(context, { ...above, ...own });
        }),
      );
  },
};

const withFilters = (command: Command): Command =>
  command
    .option('--kind <beginning>', 'how its kind begins, for example stop. or request.denied')
    .option('--actor <name>', 'who did it')
    .option('--subject <id>', 'what it was done to')
    .option('--since <instant>', 'ISO 8601')
    .option('--until <instant>', 'ISO 8601');

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
