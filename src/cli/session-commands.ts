import type { Command } from 'commander';
import type { OpenSession, Task } from '../contract/http/tasks.ts';
import { examples } from './command.ts';
import type { CliContext, Run } from './context.ts';
import { parseDuration } from './duration-option.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { printOne } from './print.ts';
import { wordToType } from './quote-for-shell.ts';
import { renderFields } from './table.ts';
import { visible } from './visible.ts';
import { exact } from './when.ts';

export interface OpenOptions {
  readonly agent: string;
  readonly purpose?: string;
  readonly idle?: number;
  readonly life?: number;
}

/** `task open`, `task close` and `task token`: a session stands for an agent that runs outside. */
export function sessionCommands(command: Command, run: Run): void {
  withOpenOptions(
    command.command('open').description('Open a session for an agent that runs outside; prints its token'),
  )
    .requiredOption('--agent <agent>', 'whose session it is')
    .addHelpText('after', examples('task open --agent coder', 'task open --agent coder --idle 10m --life 2h --json'))
    .action(run((context, options: OpenOptions) => open(context, options)));
  command
    .command('close <task>')
    .description('End a session in an orderly way; its token and grants end with it')
    .addHelpText('after', examples('task close task_dev_01h2xcejqtf2nbrexx3vqjhp41'))
    .action(run((context, id: string) => close(context, id)));
  command
    .command('token <task>')
    .description('A fresh token of a task, for the gateway; the one before stays good until its end')
    .addHelpText('after', examples('task token task_dev_01h2xcejqtf2nbrexx3vqjhp41 --header'))
    .option('--header', 'as the JSON of an HTTP header, for clients that run a helper')
    .action(
      run((context, id: string, options: { readonly header?: boolean }) => token(context, id, options.header === true)),
    );
}

export function withOpenOptions(command: Command): Command {
  return command
    .option('--purpose <line>', 'one line for operators, kept in the clear')
    .option('--idle <duration>', 'end it after so long without a call', parseDuration)
    .option('--life <duration>', 'end it after so long, whatever it does', parseDuration);
}

export function openSession({ service }: CliContext, { agent, purpose, idle, life }: OpenOptions): Promise<Task> {
  const wanted: OpenSession = {
    agentId: agent,
    ...(purpose === undefined ? {} : { purpose }),
    ...(idle === undefined ? {} : { idleMs: idle }),
    ...(life === undefined ? {} : { lifeMs: life }),
  };
  return service.tasks.open(wanted);
}

async function open(context: CliContext, options: OpenOptions): Promise<ExitCode> {
  const { terminal, service, connection, now } = context;
  const opened = await openSession(context, options);
  const { token: text, expiresAt } = await service.tasks.token(opened.taskId);
  const gateway = `${connection.gatewayUrl}/mcp`;
  printOne(terminal, { task: opened, token: text, expiresAt, gateway }, () =>
    renderFields([
      ['task', opened.taskId],
      ['agent', opened.agentId],
      ['gateway', gateway],
      ['token', text],
      ['expires', exact(expiresAt, now())],
    ]),
  );
  const typed = wordToType(opened.taskId);
  terminal.say(`Another token: estop task token ${typed}. The end: estop task close ${typed}.`);
  return exitCodes.confirmed;
}

async function close({ terminal, service }: CliContext, taskId: string): Promise<ExitCode> {
  const result = await service.tasks.close(taskId);
  printOne(terminal, result, () => [
    `${visible(result.task.taskId)}  ${result.task.state === 'closed' ? 'closed' : 'told to close'}`,
  ]);
  if (result.woken) return exitCodes.confirmed;
  terminal.say('Its workflow could not be told, so it is still open. Try again, or stop it: a stop needs no workflow.');
  return exitCodes.partial;
}

async function token({ terminal, service }: CliContext, taskId: string, asHeader: boolean): Promise<ExitCode> {
  const made = await service.tasks.token(taskId);
  printOne(terminal, made, () => [asHeader ? JSON.stringify({ Authorization: `Bearer ${made.token}` }) : made.token]);
  return exitCodes.confirmed;
}
