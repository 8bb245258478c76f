import { type Command, Option } from 'commander';
import type { StopTarget } from '../../sdk/index.ts';
import { type CliCommand, examples } from '../command.ts';
import type { Run } from '../context.ts';
import { parseDuration } from '../duration-option.ts';
import { type OrderOptions, orderStop } from '../order-stop.ts';
import { type PageOptions, withPageOptions } from '../page-options.ts';

interface Kind {
  readonly name: string;
  readonly argument: string;
  readonly what: string;
  readonly target: (value: string) => StopTarget;
}

const kinds: readonly Kind[] = [
  { name: 'task', argument: '<task>', what: 'a task and all its children', target: (task) => ({ task }) },
  {
    name: 'agent',
    argument: '<agent>',
    what: 'every task of an agent, and what runs under them',
    target: (agent) => ({ agent }),
  },
  { name: 'label', argument: '<name=value>', what: 'every agent with this label', target: (label) => ({ label }) },
  { name: 'tool', argument: '<server/tool>', what: 'a tool, for everybody', target: (tool) => ({ tool }) },
  {
    name: 'connector',
    argument: '<connector>',
    what: 'every credential of one system',
    target: (connector) => ({ connector }),
  },
  {
    name: 'scope',
    argument: '<key>',
    what: 'what a scope key names, as in agent:billing-bot',
    target: (scope) => ({ scope }),
  },
  { name: 'model', argument: '<model>', what: 'a model, for everybody', target: (model) => ({ model }) },
];

export const stop: CliCommand = {
  build: (command, run) => {
    for (const kind of kinds) {
      withOrderOptions(command.command(`${kind.name} ${kind.argument}`).description(`Stop ${kind.what}`)).action(
        run((context, value: string, options: OrderOptions) =>
          orderStop(context, kind.target(value), [kind.name, value], options),
        ),
      );
    }
    withOrderOptions(command.command('fleet').description('Stop everything')).action(
      run((context, options: OrderOptions) => orderStop(context, { fleet: true }, ['fleet'], options)),
    );
    addReading(command, run);
    command.addHelpText(
      'after',
      examples(
        'stop agent billing-bot --reason "wrong invoices"',
        'stop task task_dev_01h2xcejqtf2nbrexx3vqjhp41',
        'stop label team=finance --wait=2m',
        'stop tool billing/refund_payment',
        'stop connector crm --dry-run',
        'stop scope agent:billing-bot --direct --yes',
        'stop model small-model --category 1 --grace 10s',
        'stop fleet --yes',
        'stop show stop_dev_01h2xcejqtf2nbrexx3vqjhp41',
        'stop timeline stop_dev_01h2xcejqtf2nbrexx3vqjhp41',
        'stop ls --in-force',
      ),
    );
  },
};

function withOrderOptions(command: Command): Command {
  return command
    .addOption(new Option('--reason <text>', 'why; may be left out').default('', 'none'))
    .addOption(
      new Option('--category <n>', '0: power off at once; 1: a short grace first').choices(['0', '1']).default('0'),
    )
    .option('--grace <duration>', 'how long category 1 waits before it cuts (up to 1m)', parseDuration)
    .addOption(new Option('--wait [duration]', 'how long to follow it').argParser(parseDuration).default(30_000, '30s'))
    .option('--no-wait', 'return as soon as it is latched')
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'say what it would cover, and stop nothing')
    .option('--direct', 'past all of our processes: the store itself, else the intake')
    .option('--stop-id <id>', 'the same id is the same stop');
}

/** Loaded when they are called: an order to stop waits for nothing that only reading needs. */
function addReading(command: Command, run: Run): void {
  command
    .command('show <stop>')
    .description('How far a stop is, system by system')
    .option('--watch', 'keep showing it until it is proved')
    .addHelpText(
      'after',
      `\nExits with 0 if it is proved, 3 if the rest needs a date or a person (or a person accepted the risk), 6 if it goes on.\n${examples('stop show stop_dev_01h2xcejqtf2nbrexx3vqjhp41 --watch')}`,
    )
    .action(
      run(async (context, id: string, { watch }: { readonly watch?: boolean }) =>
        watch === true
          ? (await import('../watch-stop.ts')).watchStop(context, id)
          : (await import('../read-stops.ts')).showStop(context, id),
      ),
    );
  command
    .command('timeline <stop>')
    .description('What happened under a stop, and what was said about it')
    .action(run(async (context, id: string) => (await import('../read-stops.ts')).showTimeline(context, id)));
  withPageOptions(command.command('ls').description('List stops, newest first'))
    .option('--in-force', 'only those that are not reset')
    .action(
      run(async (context, options: PageOptions & { readonly inForce?: boolean }) =>
        (await import('../read-stops.ts')).listStops(context, options),
      ),
    );
}
