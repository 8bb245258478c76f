import type { AuditEvent } from '../../contract/http/audit.ts';
import type { AuditFilter } from '../../sdk/overview.ts';
import { type CliCommand, examples } from '../command.ts';
import { exitCodes } from '../exit-code.ts';
import { type PageOptions, pageQuery, withPageOptions } from '../page-options.ts';
import { printPage } from '../print.ts';
import { renderTable } from '../table.ts';

type AuditOptions = PageOptions & Pick<AuditFilter, 'kind' | 'actor' | 'subject' | 'since' | 'until'>;

export const audit: CliCommand = {
  build: (command, run) => {
    withPageOptions(command)
      .option('--kind <beginning>', 'how its kind begins, for example stop. or request.denied')
      .option('--actor <name>', 'who did it')
      .option('--subject <id>', 'what it was done to')
      .option('--since <instant>', 'ISO 8601')
      .option('--until <instant>', 'ISO 8601')
      .addHelpText('after', examples('audit --kind stop.', 'audit --actor olga -o jsonl'))
      .action(
        run(async ({ terminal, estop }, { limit, cursor, ...filter }: AuditOptions) => {
          const page = await estop.overview.audit({
            ...filter,
            ...pageQuery({ limit, ...(cursor === undefined ? {} : { cursor }) }),
          });
          printPage(terminal, page, (items) =>
            renderTable<AuditEvent>(
              [
                { title: 'when', cell: (row) => row.at.slice(0, 19).replace('T', ' ') },
                { title: 'what', cell: (row) => row.kind },
                { title: 'who', cell: (row) => row.actor, width: 30 },
                { title: 'to what', cell: (row) => row.subject, width: 44 },
                { title: 'detail', cell: (row) => JSON.stringify(row.detail), width: 80 },
              ],
              items,
            ),
          );
          return exitCodes.confirmed;
        }),
      );
  },
};
