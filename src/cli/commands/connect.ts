import { Argument } from 'commander';
import { EstopError } from '../../sdk/index.ts';
import { type ClientName, clientNames, settingsFor, signInSettingsFor, tokenVariable } from '../client-settings.ts';
import { type CliCommand, examples } from '../command.ts';
import type { CliContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { printOne } from '../print.ts';
import { wordToType } from '../quote-for-shell.ts';
import { type OpenOptions, openSession, withOpenOptions } from '../session-commands.ts';
import { tokenCommand } from '../token-command.ts';

type ConnectOptions = Partial<OpenOptions> & { readonly task?: string };

export const connect: CliCommand = {
  build: (command, run) => {
    command.addArgument(new Argument('<client>', 'for whom').choices(clientNames));
    withOpenOptions(command)
      .option('--agent <agent>', 'open a session of this agent; without it the client signs in by itself')
      .option('--task <task>', 'use this session, which is open already')
      .addHelpText(
        'after',
        examples(
          'connect codex',
          'connect claude-code --agent coder > .mcp.json',
          'connect codex --agent coder --life 2h',
        ),
      )
      .action(run((context, client: ClientName, options: ConnectOptions) => write(context, client, options)));
  },
};

/** The configuration goes to standard output, so that it can be sent to its file; what to do with it is said beside. */
async function write(
  context: CliContext,
  client: ClientName,
  { task, agent, ...rest }: ConnectOptions,
): Promise<ExitCode> {
  const { terminal, connection } = context;
  if (task === undefined && agent === undefined) return writeSignIn(context, client);
  const taskId = task ?? (await openFor(context, agent, rest)).taskId;
  const { file, text, renewsItself } = settingsFor(
    client,
    `${connection.gatewayUrl}/mcp`,
    tokenCommand(connection, taskId),
  );
  printOne(terminal, { taskId, client, file: file ?? null, settings: text }, () => text.split('\n'));
  const typed = wordToType(taskId);
  terminal.say(`This belongs into ${file ?? 'the settings of your client'}. The session is ${typed}.`);
  if (!renewsItself)
    terminal.say(
      `Its token lives for 15 minutes: ${tokenVariable}=$(estop task token ${typed}), and again before it ends.`,
    );
  terminal.say(`It is stopped by: estop stop task ${typed}`);
  return exitCodes.confirmed;
}

/** Nothing is opened here: whoever the client's person is opens it, for the agent that they choose. */
function writeSignIn({ terminal, connection }: CliContext, client: ClientName): ExitCode {
  const { file, text, next } = signInSettingsFor(client, `${connection.gatewayUrl}/mcp`, connection.controlUrl);
  printOne(terminal, { client, file: file ?? null, settings: text }, () => text.split('\n'));
  terminal.say(`This belongs into ${file ?? 'the settings of your client'}. ${next}`);
  if (connection.isGatewayGuessed)
    terminal.say(
      `Nobody said where the gateway is: this is where one listens if it is told nothing. There is no ${connection.lookedFor}.`,
    );
  return exitCodes.confirmed;
}

function openFor(context: CliContext, agent: string | undefined, rest: Omit<OpenOptions, 'agent'>) {
  if (agent === undefined) throw new EstopError('invalid-input', { detail: 'Name an --agent, or an open --task.' });
  return openSession(context, { agent, ...rest });
}
