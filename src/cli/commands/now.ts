import type { NoticePage } from '../../contract/http/notices.ts';
import type { RunningAgent } from '../../contract/http/running.ts';
import type { StopPage } from '../../contract/http/stops.ts';
import type { Estop } from '../../sdk/estop.ts';
import { type CliCommand, examples } from '../command.ts';
import { exitCodes } from '../exit-code.ts';
import { printOne } from '../print.ts';
import { renderTable } from '../table.ts';
import { visibleShort } from '../visible.ts';
import { relative } from '../when.ts';

interface NowOptions {
  readonly search?: string;
  readonly label?: string;
}

export const now: CliCommand = {
  build: (command, run) => {
    command
      .option('--search <text>', 'part of the id, the owner or the stop-holder')
      .option('--label <name=value>', 'only agents that carry it')
      .addHelpText('after', examples('now', 'now --label team=billing'))
      .action(
        run(async ({ terminal, estop, now: clock }, { search, label }: NowOptions) => {
          const running = await estop.overview.running({
            ...(search === undefined ? {} : { search }),
            ...(label === undefined ? {} : { label }),
          });
          const beside = terminal.format === 'text' ? await linesBeside(estop) : [];
          printOne(terminal, running, () => [
            `${count(running.agents, 'agent')} running, ${count(running.tasks, 'open task')}, ${count(running.pendingApprovals, 'call')} waiting`,
            ...(running.drills.length === 0
              ? []
              : [`drill under way at ${running.drills.join(', ')}: estop connectors`]),
            ...beside,
            ...(running.items.length === 0 ? [] : ['', ...tableOf(running.items, clock())]),
            ...(running.matching > running.items.length ? [`and ${running.matching - running.items.length} more`] : []),
          ]);
          return exitCodes.confirmed;
        }),
      );
  },
};

const count = (many: number, what: string): string => `${many} ${what}${many === 1 ? '' : 's'}`;

async function linesBeside(estop: Estop): Promise<readonly string[]> {
  const [stops, unseen] = await Promise.all([
    estop.stops.list({ inForce: true, limit: 200 }),
    // Whoever may not read notices still sees what runs.
    estop.notices.list({ escalated: true, limit: 100 }).catch(() => undefined),
  ]);
  return [
    ...(stops.items.length === 0 ? [] : [stopLine(stops)]),
    ...(unseen === undefined || unseen.items.length === 0 ? [] : [escalationLine(unseen)]),
  ];
}

const stopLine = ({ items, next }: StopPage): string => {
  const scopes = items.slice(0, 3).map(({ scopeKey }) => visibleShort(scopeKey, 60));
  const more = items.length > scopes.length ? ', ..' : '';
  return `${next === null ? '' : 'at least '}${count(items.length, 'stop')} in force (${scopes.join(', ')}${more}): estop stop ls`;
};

const escalationLine = ({ items, next }: NoticePage): string =>
  `${next === null ? '' : 'at least '}${count(new Set(items.map(({ subject }) => subject)).size, 'escalation')} that nobody has said to have seen: estop notify ls --escalated`;

const tableOf = (items: readonly RunningAgent[], at: number): readonly string[] =>
  renderTable<RunningAgent>(
    [
      { title: 'agent', cell: (row) => row.agentId },
      { title: 'tasks', cell: (row) => String(row.openTasks) },
      { title: 'calls/5min', cell: (row) => String(row.lately.calls) },
      { title: 'denied', cell: (row) => String(row.lately.denied) },
      { title: 'waiting', cell: (row) => String(row.pendingApprovals) },
      { title: 'oldest', cell: (row) => relative(row.oldestAt, at) },
      { title: 'look at', cell: (row) => lookAt(row) },
    ],
    items,
  );

const lookAt = ({ stoppedBy, because }: RunningAgent): string =>
  [...(stoppedBy === null ? [] : ['stop in force']), ...because].join(', ') || '-';
