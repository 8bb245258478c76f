import { Argument } from 'commander';
import type { Playbook } from '../../contract/http/playbooks.ts';
import { type WaitingPhase, waitingPhases } from '../../core/playbook.ts';
import { type CliCommand, examples } from '../command.ts';
import { exitCodes } from '../exit-code.ts';
import { playbookLine } from '../playbook-line.ts';
import { printOne, printPage } from '../print.ts';
import { renderTable } from '../table.ts';
import { visible } from '../visible.ts';

export const playbook: CliCommand = {
  build: (command, run) => {
    command
      .command('ls')
      .description('What was agreed beforehand about stops, in the order in which it is looked at')
      .addHelpText('after', examples('playbook ls'))
      .action(
        run(async ({ terminal, estop }) => {
          const page = await estop.playbooks.list();
          printPage(terminal, page, (items) => renderTable<Playbook>(columns, items));
          if (page.items.length === 0) terminal.say('There is none: every phase of every stop runs by itself.');
          return exitCodes.confirmed;
        }),
      );
    command
      .command('test')
      .description('Which playbook a stop would follow; stops nothing')
      .requiredOption('--scope <key>', 'what would be stopped, such as agent:billing-bot')
      .option('--trigger <trigger>', 'as if this trigger had ordered it')
      .addHelpText(
        'after',
        examples('playbook test --scope agent:billing-bot', 'playbook test --scope fleet --trigger spend-alert'),
      )
      .action(
        run(async ({ terminal, estop }, options: { readonly scope: string; readonly trigger?: string }) => {
          const { scope, trigger } = options;
          const result = await estop.playbooks.test(scope, trigger === undefined ? {} : { trigger });
          printOne(terminal, result, () => [
            playbookLine(result.playbook),
            ...(result.playbook === null || trigger === undefined
              ? []
              : [
                  `A trigger that says nothing else orders category ${result.playbook.category}, grace ${result.playbook.graceMs} ms.`,
                ]),
            'Latch, fence and halt ask no playbook.',
          ]);
          return exitCodes.confirmed;
        }),
      );
    command
      .command('proceed')
      .description('Let a phase of a stop run that its playbook makes wait for a person')
      .argument('<stop>')
      .addArgument(new Argument('<phase>').choices(waitingPhases))
      .requiredOption('--reason <text>', 'why it may go on')
      .addHelpText(
        'after',
        examples('playbook proceed stop_dev_01h2xcejqtf2nbrexx3vqjhp41 purge-queue --reason "nothing of it is needed"'),
      )
      .action(
        run(async ({ terminal, estop }, stopId: string, phase: WaitingPhase, options: { readonly reason: string }) => {
          const result = await estop.playbooks.proceed(stopId, phase, options);
          printOne(terminal, result, () => [words[result.outcome]]);
          return exitCodes.confirmed;
        }),
      );
  },
};

const words = {
  'released': 'it goes on within seconds',
  'already': 'somebody had let it go before',
  'not-waiting': 'it does not wait: no playbook makes it',
} as const;

const columns = [
  { title: 'playbook', cell: ({ playbookId }: Playbook) => visible(playbookId) },
  { title: 'here', cell: ({ applies }: Playbook) => (applies ? 'yes' : 'no') },
  { title: 'for', cell: matchWords },
  { title: 'waits for a person', cell: ({ waits }: Playbook) => waits.join(', ') },
  { title: 'tells', cell: ({ notify }: Playbook) => notify.map(visible).join(', ') },
];

function matchWords({ match }: Playbook): string {
  const labels = Object.entries(match.labels).map(([name, value]) => `${name}=${value}`);
  const parts = [...match.scopes, ...labels, ...match.triggers.map((trigger) => `trigger ${trigger}`)];
  return parts.length === 0 ? 'any stop' : parts.map(visible).join(', ');
}
