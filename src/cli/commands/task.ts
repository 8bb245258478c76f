import { readFileSync } from 'node:fs';
import { Option } from 'commander';
import type { Task } from '../../contract/http/tasks.ts';
import { type CliCommand, examples } from '../command.ts';
import type { CliContext } from '../context.ts';
import { parseDuration } from '../duration-option.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { type PageOptions, pageQuery, withPageOptions } from '../page-options.ts';
import { printOne, printPage } from '../print.ts';
import { sessionCommands } from '../session-commands.ts';
import { renderTable } from '../table.ts';
import { historyLines, stateOf, taskLines } from '../task-lines.ts';
import { treeLines } from '../tree-lines.ts';
import { relative } from '../when.ts';

interface Why {
  readonly reason?: string;
}

interface StartOptions {
  readonly purpose?: string;
  readonly wait?: number | false;
}

interface ListOptions extends PageOptions {
  readonly agent?: string;
  readonly in?: 'open' | 'closed';
  readonly drills?: boolean;
}

export const task: CliCommand = {
  build: (command, run) => {
    command
      .command('start <agent> [prompt...]')
      .description('Start a task; the prompt is read from standard input where it is "-" or missing')
      .option('--purpose <line>', 'one line for operators, kept in the clear')
      .option('--wait [duration]', 'return when the task is closed', parseDuration)
      .addHelpText(
        'after',
        examples(
          'task start billing-bot "Pay invoice 4711"',
          'task start billing-bot - < prompt.txt',
          'task start billing-bot "Pay" --wait=2m --json',
        ),
      )
      .action(
        run((context, agent: string, prompt: readonly string[], options: StartOptions) =>
          start(context, agent, prompt, options),
        ),
      );
    withPageOptions(command.command('ls').description('List tasks, newest first; of drills those under way alone'))
      .option('--agent <agent>', 'only of this agent; drill/<connector>: all drills of that connector')
      .addOption(new Option('--in <state>', 'only these').choices(['open', 'closed']))
      .option('--drills', 'also drills that are over')
      .addHelpText(
        'after',
        examples('task ls --agent billing-bot', 'task ls --in open --json', 'task ls --agent drill/crm'),
      )
      .action(run((context, options: ListOptions) => list(context, options)));
    command
      .command('show <task>')
      .description('Show one task')
      .addHelpText('after', examples('task show task_dev_01h2xcejqtf2nbrexx3vqjhp41 --watch'))
      .action(run((context, id: string) => show(context, id)));
    command
      .command('tree <task>')
      .description('All that one task started, down to the last, and what it was started by')
      .addHelpText('after', examples('task tree task_dev_01h2xcejqtf2nbrexx3vqjhp41'))
      .action(
        run(async ({ terminal, estop }, id: string) => {
          const found = await estop.tasks.tree(id);
          printOne(terminal, found, () => treeLines(found, stateOf));
          return exitCodes.confirmed;
        }),
      );
    command
      .command('history <task>')
      .description('What happened to a task, from the ledger')
      .addHelpText('after', examples('task history task_dev_01h2xcejqtf2nbrexx3vqjhp41 --live'))
      .option('--live', 'also ask the running workflow')
      .action(
        run((context, id: string, options: { readonly live?: boolean }) => history(context, id, options.live === true)),
      );
    sessionCommands(command, run);
    for (const verb of ['hold', 'release'] as const) {
      command
        .command(`${verb} <task>`)
        .description(verb === 'hold' ? 'Pause a task with its power on; no emergency stop' : 'Let a held task go on')
        .option('--reason <words>', 'why; it stands in the audit')
        .addHelpText('after', examples(`task ${verb} task_dev_01h2xcejqtf2nbrexx3vqjhp41`))
        .action(run((context, id: string, why: Why) => holdOrRelease(context, id, verb, why)));
    }
  },
};

async function start(
  context: CliContext,
  agentId: string,
  words: readonly string[],
  options: StartOptions,
): Promise<ExitCode> {
  const { terminal, service } = context;
  const prompt =
    words.length === 0 || (words.length === 1 && words[0] === '-') ? readFileSync(0, 'utf8') : words.join(' ');
  const started = await service.tasks.start({
    agentId,
    prompt,
    ...(options.purpose === undefined ? {} : { purpose: options.purpose }),
  });
  if (typeof options.wait !== 'number') {
    printOne(terminal, started, () => [started.taskId]);
    return exitCodes.confirmed;
  }
  terminal.say(`started ${started.taskId}`);
  const closed = await service.tasks.wait(started.taskId, { timeoutMs: options.wait });
  printOne(terminal, closed, () => taskLines(closed, context.now()));
  if (closed.state !== 'closed') return exitCodes.partial;
  return closed.outcome === 'done' ? exitCodes.confirmed : exitCodes.error;
}

async function list({ terminal, estop, now }: CliContext, options: ListOptions): Promise<ExitCode> {
  const filters = {
    ...(options.agent === undefined ? {} : { agent: options.agent }),
    ...(options.in === undefined ? {} : { state: options.in }),
    ...(options.drills === true ? { drills: true } : {}),
  };
  const page = await estop.tasks.list({ ...pageQuery(options), ...filters });
  printPage(terminal, page, (tasks) =>
    renderTable<Task>(
      [
        { title: 'task', cell: (row) => row.taskId },
        { title: 'agent', cell: (row) => row.agentId },
        { title: 'state', cell: stateOf },
        { title: 'started', cell: (row) => relative(row.registeredAt, now()) },
        { title: 'purpose', cell: (row) => row.purpose, width: 50 },
      ],
      tasks,
    ),
  );
  if (page.items.length === 0)
    terminal.say(options.cursor === undefined ? 'No task matches.' : 'Nothing further back.');
  return exitCodes.confirmed;
}

async function show({ terminal, estop, now }: CliContext, taskId: string): Promise<ExitCode> {
  const found = await estop.tasks.get(taskId);
  printOne(terminal, found, () => taskLines(found, now()));
  return exitCodes.confirmed;
}

async function history({ terminal, estop, now }: CliContext, taskId: string, live: boolean): Promise<ExitCode> {
  const found = await estop.tasks.history(taskId, { live });
  printOne(terminal, found, () => historyLines(found, live, now()));
  return exitCodes.confirmed;
}

async function holdOrRelease(
  { terminal, estop, now }: CliContext,
  taskId: string,
  verb: 'hold' | 'release',
  why: Why,
): Promise<ExitCode> {
  const result = await estop.tasks[verb](taskId, why);
  printOne(terminal, result, () => taskLines(result.task, now()));
  if (!result.woken)
    terminal.say(`The ledger has it; the running workflow could not be told, and will see it at its next call.`);
  return exitCodes.confirmed;
}
