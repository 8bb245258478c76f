import type { Person, SignIn } from '../../contract/http/people.ts';
import { type CliCommand, examples } from '../command.ts';
import { exitCodes } from '../exit-code.ts';
import { mandateWords } from '../mandate-words.ts';
import { printOne, printPage } from '../print.ts';
import { renderTable } from '../table.ts';
import { relative } from '../when.ts';

export const people: CliCommand = {
  build: (command, run) => {
    command
      .command('ls')
      .description('Everybody who ever signed in, and what they may do')
      .addHelpText('after', examples('people ls', 'people ls --json'))
      .action(
        run(async ({ terminal, estop, now }) => {
          const page = await estop.people.list();
          printPage(terminal, page, (items) => renderTable<Person>(personColumns(now()), items));
          if (page.items.length === 0) terminal.say('Nobody has signed in by name yet.');
          return exitCodes.confirmed;
        }),
      );
    for (const verb of ['disable', 'enable'] as const)
      command
        .command(verb)
        .description(
          verb === 'disable' ? 'Let somebody in no more; all that they have open ends within 5 s' : 'Let them in again',
        )
        .argument('<person-id>')
        .option('--reason <words>', 'why; it stands in the audit')
        .addHelpText('after', examples(`people ${verb} person_dev_01h2xcejqtf2nbrexx3vqjhp41`))
        .action(
          run(async ({ terminal, estop }, id: string, why: { readonly reason?: string }) => {
            const { outcome } = await estop.people[verb](id, why);
            printOne(terminal, { personId: id, outcome }, () => [outcome === 'done' ? `${verb}d` : `${verb}d already`]);
            return exitCodes.confirmed;
          }),
        );
    command
      .command('sign-ins')
      .description('Where you are signed in')
      .option('--all', 'everybody; for admins')
      .addHelpText('after', examples('people sign-ins --all'))
      .action(
        run(async ({ terminal, estop, now }, options: { readonly all?: boolean }) => {
          const page = await estop.people.signIns(options);
          printPage(terminal, page, (items) => renderTable<SignIn>(signInColumns(now()), items));
          if (page.items.length === 0) terminal.say('Nowhere.');
          return exitCodes.confirmed;
        }),
      );
    command
      .command('end-sign-in')
      .description('End one of your sign-ins; an admin, anybody’s')
      .argument('<sign-in-id>')
      .addHelpText('after', examples('people end-sign-in sign_dev_01h2xcejqtf2nbrexx3vqjhp41'))
      .action(
        run(async ({ terminal, estop }, id: string) => {
          const { outcome } = await estop.people.endSignIn(id);
          printOne(terminal, { signInId: id, outcome }, () => [outcome === 'done' ? 'ended' : 'it was over already']);
          return exitCodes.confirmed;
        }),
      );
  },
};

const personColumns = (now: number) => [
  { title: 'id', cell: ({ personId }: Person) => personId },
  { title: 'name', cell: ({ name }: Person) => name },
  { title: 'may', cell: ({ mandates }: Person) => mandates.map(mandateWords).join('; ') || 'nothing' },
  { title: 'seen', cell: ({ seenAt }: Person) => (seenAt === null ? 'never' : relative(seenAt, now)) },
  { title: 'disabled', cell: ({ disabledBy }: Person) => (disabledBy === null ? '' : `by ${disabledBy}`) },
];

const signInColumns = (now: number) => [
  { title: 'id', cell: ({ signInId }: SignIn) => signInId },
  { title: 'who', cell: ({ name }: SignIn) => name },
  { title: 'by', cell: ({ method, isThis }: SignIn) => (isThis ? `${method} (this one)` : method) },
  { title: 'last used', cell: ({ seenAt }: SignIn) => relative(seenAt, now) },
  { title: 'from', cell: ({ agent }: SignIn) => agent },
];
