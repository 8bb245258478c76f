import { InvalidArgumentError } from 'commander';
import type { ApiToken, MakeApiToken } from '../../contract/http/people.ts';
import { type CliCommand, examples } from '../command.ts';
import { exitCodes } from '../exit-code.ts';
import { mandateWords } from '../mandate-words.ts';
import { printOne, printPage } from '../print.ts';
import { renderTable } from '../table.ts';
import { exact, relative } from '../when.ts';

interface CreateOptions {
  readonly role: MakeApiToken['roles'];
  readonly days: number;
  readonly label?: Record<string, string>;
  readonly forService?: boolean;
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

export const token: CliCommand = {
  build: (command, run) => {
    command
      .command('create')
      .description('Make a token for a program; it is printed once and kept nowhere')
      .argument('<name>', 'what will use it')
      .requiredOption(
        '--role <role>',
        'viewer, approver, operator, admin or service; several times for several',
        collect,
      )
      .option('--label <name=value>', 'only over agents that carry it; several times', readLabel)
      .option('--days <days>', 'when it ends', (text) => Number(text), 90)
      .option('--for-service', 'it belongs to a service and stays when you leave; for admins')
      .addHelpText(
        'after',
        examples(
          'token create nightly-report --role viewer',
          'token create pager --role operator --days 30 --label team=payments',
        ),
      )
      .action(
        run(async ({ terminal, estop, now }, name: string, options: CreateOptions) => {
          const made = await estop.apiTokens.make({
            name,
            roles: [...options.role],
            days: options.days,
            forService: options.forService === true,
            ...(options.label === undefined ? {} : { labels: options.label }),
          });
          printOne(terminal, made, () => [made.token]);
          terminal.say(`${made.tokenId}, until ${exact(made.expiresAt, now())}. It is not shown again.`);
          return exitCodes.confirmed;
        }),
      );
    command
      .command('ls')
      .description('The tokens that you made, and when each was last used')
      .option('--all', 'those of everybody; for admins')
      .addHelpText('after', examples('token ls', 'token ls --all --json'))
      .action(
        run(async ({ terminal, estop, now }, options: { readonly all?: boolean }) => {
          const page = await estop.apiTokens.list(options);
          printPage(terminal, page, (items) => renderTable<ApiToken>(columns(now()), items));
          if (page.items.length === 0) terminal.say('None.');
          return exitCodes.confirmed;
        }),
      );
    command
      .command('revoke')
      .description('Revoke a token; within 5 s it opens nothing any more')
      .argument('<token-id>')
      .addHelpText('after', examples('token revoke api_dev_01h2xcejqtf2nbrexx3vqjhp41'))
      .action(
        run(async ({ terminal, estop }, tokenId: string) => {
          const { outcome } = await estop.apiTokens.revoke(tokenId);
          printOne(terminal, { tokenId, outcome }, () => [outcome === 'done' ? 'revoked' : 'it was revoked already']);
          return exitCodes.confirmed;
        }),
      );
  },
};

function readLabel(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('A label looks like team=payments.');
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}

const columns = (now: number) => [
  { title: 'id', cell: ({ tokenId }: ApiToken) => tokenId },
  { title: 'name', cell: ({ name }: ApiToken) => name },
  { title: 'may', cell: ({ mandates }: ApiToken) => mandates.map(mandateWords).join('; ') },
  { title: 'last used', cell: ({ usedAt }: ApiToken) => (usedAt === null ? 'never' : relative(usedAt, now)) },
  {
    title: 'ends',
    cell: ({ expiresAt, revokedAt }: ApiToken) => (revokedAt === null ? relative(expiresAt, now) : 'revoked'),
  },
];
