import type { Agent } from '../../contract/http/agents.ts';
import { type CliCommand, examples } from '../command.ts';
import { exitCodes } from '../exit-code.ts';
import { printPage } from '../print.ts';
import { renderTable } from '../table.ts';

export const agents: CliCommand = {
  build: (command, run) => {
    command.addHelpText('after', examples('agents', 'agents --watch')).action(
      run(async ({ terminal, estop }) => {
        const page = await estop.agents.list();
        printPage(terminal, page, (items) =>
          renderTable<Agent>(
            [
              { title: 'agent', cell: (row) => row.agentId },
              { title: 'owner', cell: (row) => row.owner },
              { title: 'stop-holder', cell: (row) => row.stopHolder },
              { title: 'open tasks', cell: (row) => String(row.openTasks) },
              {
                title: 'shares',
                cell: (row) =>
                  row.sharedCredentials.map((one) => `${one.at} with ${one.with.join(',')}`).join('; ') || '-',
              },
              { title: 'stopped by', cell: (row) => row.stoppedBy ?? '-' },
              {
                title: 'labels',
                cell: (row) =>
                  Object.entries(row.labels)
                    .map(([name, value]) => `${name}=${value}`)
                    .join(' '),
              },
            ],
            items,
          ),
        );
        return exitCodes.confirmed;
      }),
    );
  },
};
