import { Argument } from 'commander';
import type { BreakerTrip } from '../../contract/http/limits.ts';
import { tripWords } from '../../contract/trip-words.ts';
import { type TripCause, tripCauses } from '../../core/breaker.ts';
import { type CliCommand, examples } from '../command.ts';
import { exitCodes } from '../exit-code.ts';
import { printOne, printPage } from '../print.ts';
import { renderTable } from '../table.ts';
import { relative } from '../when.ts';

interface ListOptions {
  readonly agent?: string;
  readonly all?: boolean;
}

export const breaker: CliCommand = {
  build: (command, run) => {
    command
      .command('ls')
      .description('Breakers that tripped, with the numbers that tripped them')
      .option('--agent <agent>', 'only of this agent')
      .option('--all', 'also those that are over')
      .addHelpText('after', examples('breaker ls', 'breaker ls --agent billing-bot --all --json'))
      .action(
        run(async ({ terminal, estop, now }, options: ListOptions) => {
          const page = await estop.breakers.list(options);
          printPage(terminal, page, (items) => renderTable<BreakerTrip>(columns(now()), items));
          if (page.items.length === 0) terminal.say(options.all === true ? 'None tripped.' : 'None is tripped.');
          return exitCodes.confirmed;
        }),
      );
    command
      .command('reset')
      .description('End the trip of one breaker: its hold ends, and counting begins anew')
      .argument('<agent>')
      .addArgument(new Argument('<breaker>').choices(tripCauses))
      .requiredOption('--reason <text>', 'why it may go on')
      .addHelpText(
        'after',
        `\nWhat a breaker stopped is reset as a stop: estop reset <stop>.\n${examples('breaker reset billing-bot call-rate --reason "the import is meant to be fast"')}`,
      )
      .action(
        run(async ({ terminal, estop }, agent: string, kind: TripCause, options: { readonly reason: string }) => {
          const result = await estop.breakers.reset(agent, kind, options);
          printOne(terminal, result, () => [
            result.outcome === 'reset' ? 'reset; it counts anew from here' : 'it was not tripped',
          ]);
          return exitCodes.confirmed;
        }),
      );
  },
};

const columns = (now: number) => [
  { title: 'agent', cell: ({ agentId }: BreakerTrip) => agentId },
  { title: 'breaker', cell: (trip: BreakerTrip) => trip.breaker },
  { title: 'action', cell: ({ action, clearedAt }: BreakerTrip) => (clearedAt === null ? action : `${action}, over`) },
  { title: 'because', cell: tripWords },
  { title: 'tripped', cell: ({ trippedAt }: BreakerTrip) => relative(trippedAt, now) },
  { title: 'stop', cell: ({ stopId }: BreakerTrip) => stopId ?? '' },
];
