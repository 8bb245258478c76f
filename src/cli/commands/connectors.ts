import type { ConnectorReadiness, Drill } from '../../contract/http/connectors.ts';
import { type CliCommand, examples } from '../command.ts';
import type { CliContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { printPage } from '../print.ts';
import { renderTable } from '../table.ts';
import { relative } from '../when.ts';

const words = { yes: 'can cut off', no: 'CANNOT CUT OFF', unknown: 'not known' } as const;

/** Exit code 3 where one of them cannot be relied on: a script must be able to tell. */
export const connectors: CliCommand = {
  build: (command, run) => {
    command.addHelpText('after', examples('connectors')).action(run(listConnectors));
  },
};

export async function listConnectors({ terminal, estop, now }: CliContext): Promise<ExitCode> {
  const page = await estop.overview.connectors();
  printPage(terminal, page, (items) =>
    renderTable<ConnectorReadiness>(
      [
        { title: 'connector', cell: (row) => row.connectorId },
        { title: 'system', cell: (row) => row.system },
        { title: 'now', cell: (row) => words[row.ready] },
        {
          title: 'checked',
          cell: (row) => (row.checkedAt === null ? 'never' : relative(row.checkedAt, now())),
        },
        { title: 'last drill', cell: ({ lastDrill }) => drillCell(lastDrill, now()) },
        { title: 'live', cell: (row) => String(row.liveGrants) },
        { title: 'to make dead', cell: (row) => String(row.openObligations) },
        { title: 'findings', cell: (row) => row.findings.join(' ') },
      ],
      items,
    ),
  );
  if (page.items.length === 0) terminal.say('None is configured: name one in estop.yaml, under connectors.');
  return page.items.every(({ ready }) => ready === 'yes') ? exitCodes.confirmed : exitCodes.partial;
}

const drillCell = (drill: Drill | null, now: number): string =>
  drill === null ? 'never' : `${drill.state} ${relative(drill.finishedAt ?? drill.askedAt, now)}`;
