import { Option } from 'commander';
import type { AskElevation, Elevation, ElevationDetail, ReviewElevation } from '../../contract/http/people.ts';
import { personRoles } from '../../core/mandate.ts';
import { type Estop, EstopError } from '../../sdk/index.ts';
import { type CliCommand, examples } from '../command.ts';
import type { CliContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { printOne, printPage } from '../print.ts';
import { wordToType } from '../quote-for-shell.ts';
import { renderTable } from '../table.ts';
import { visible } from '../visible.ts';
import { exact, relative } from '../when.ts';

interface AskOptions {
  readonly role?: AskElevation['role'];
  readonly minutes: string;
  readonly reason?: string;
}

export const elevate: CliCommand = {
  build: (command, run) => {
    command
      .addOption(new Option('--role <role>', 'the role to take').choices(personRoles))
      .option('--minutes <minutes>', 'for how long', '30')
      .option('--reason <text>', 'why; somebody else will read it')
      .addHelpText(
        'after',
        `\nBy the rule of estop.yaml it begins at once, or when a second person says so. It ends by itself, and somebody else signs that\nthey looked at what you did. It never lets you reset a stop.\n${examples('elevate --role operator --minutes 30 --reason "the pager rang, nobody else answers"', 'elevate ls', 'elevate grant elev_dev_01h2xcejqtf2nbrexx3vqjhp41')}`,
      )
      .action(run((context, options: AskOptions) => ask(context, options)));
    command
      .command('ls')
      .description('What is asked for, active, or still to be looked at')
      .option('--all', 'also what is reviewed or lapsed')
      .action(
        run(async ({ terminal, estop, now }, options: { readonly all?: boolean }) => {
          const page = await estop.elevations.list(options);
          printPage(terminal, page, (items) => renderTable<Elevation>(columns(now()), items));
          if (page.items.length === 0) terminal.say('None.');
          return exitCodes.confirmed;
        }),
      );
    command
      .command('show')
      .description('One of them, and everything that was done under it')
      .addHelpText('after', examples('elevate show elev_dev_01h2xcejqtf2nbrexx3vqjhp41'))
      .argument('<elevation>')
      .action(
        run(async ({ terminal, estop, now }, id: string) => {
          const one = await wholeOf(estop, id);
          printOne(terminal, one, () => [
            ...lines(one, now()),
            ...one.used.map(({ at, what, path }) => `  ${exact(at, now())}  ${visible(what)}  ${visible(path)}`),
            ...one.stops.map((stop) => `  stop ${visible(stop)}`),
          ]);
          return exitCodes.confirmed;
        }),
      );
    command
      .command('grant')
      .description('Be the second person: it begins')
      .argument('<elevation>')
      .action(run((context, id: string) => show(context, context.estop.elevations.grant(id))));
    command
      .command('end')
      .description('End yours before its time')
      .addHelpText('after', examples('elevate end elev_dev_01h2xcejqtf2nbrexx3vqjhp41'))
      .argument('<elevation>')
      .action(run((context, id: string) => show(context, context.estop.elevations.end(id))));
    command
      .command('review')
      .description('Sign that you looked at what was done under it')
      .addHelpText(
        'after',
        examples('elevate review elev_dev_01h2xcejqtf2nbrexx3vqjhp41 --verdict justified --note "read its timeline"'),
      )
      .argument('<elevation>')
      .addOption(
        new Option('--verdict <verdict>', 'what you found')
          .choices(['justified', 'not-justified'])
          .makeOptionMandatory(),
      )
      .requiredOption('--note <text>', 'what you looked at')
      .action(
        run((context, id: string, review: ReviewElevation) =>
          show(context, context.estop.elevations.review(id, { verdict: review.verdict, note: review.note })),
        ),
      );
  },
};

/** All pages of it: whoever reviews it answers for all that was done. */
async function wholeOf(estop: Estop, id: string): Promise<ElevationDetail> {
  const first = await estop.elevations.get(id, { limit: 200 });
  const used = [...first.used];
  for (let { next } = first; next !== null; ) {
    const page = await estop.elevations.get(id, { limit: 200, cursor: next });
    used.push(...page.used);
    next = page.next;
  }
  return { ...first, used, next: null };
}

async function ask(context: CliContext, { role, minutes, reason }: AskOptions): Promise<ExitCode> {
  if (role === undefined || reason === undefined)
    throw new EstopError('invalid-input', { detail: 'An elevation needs --role and --reason.' });
  const asked = await context.estop.elevations.ask({ role, minutes: Number(minutes), reason });
  printOne(context.terminal, asked, () => lines(asked, context.now()));
  if (asked.state !== 'asked') return exitCodes.confirmed;
  context.terminal.say(
    `It begins when a second person says so, within 15 minutes: estop elevate grant ${wordToType(asked.elevationId)}`,
  );
  return exitCodes.partial;
}

async function show({ terminal, now }: CliContext, work: Promise<Elevation>): Promise<ExitCode> {
  const one = await work;
  printOne(terminal, one, () => lines(one, now()));
  return exitCodes.confirmed;
}

const lines = (one: Elevation, now: number): readonly string[] => [
  `${visible(one.elevationId)}  ${visible(one.name)} as ${one.role}: ${one.state}${one.endsAt === null ? '' : `, until ${exact(one.endsAt, now)}`}`,
  `  because: ${visible(one.reason)}`,
];

const columns = (now: number) => [
  { title: 'id', cell: ({ elevationId }: Elevation) => elevationId },
  { title: 'who', cell: ({ name }: Elevation) => name },
  { title: 'role', cell: ({ role }: Elevation) => role },
  { title: 'state', cell: ({ state }: Elevation) => state },
  { title: 'asked', cell: ({ askedAt }: Elevation) => relative(askedAt, now) },
  { title: 'reason', cell: ({ reason }: Elevation) => reason },
];
