import { approvalContextLines } from '../approval-context-lines.ts';
import { approvalLines } from '../approval-lines.ts';
import { type CliCommand, examples } from '../command.ts';
import { exitCodes } from '../exit-code.ts';
import { type PageOptions, pageQuery, withPageOptions } from '../page-options.ts';
import { printOne, printPage } from '../print.ts';

interface ApprovalsOptions extends PageOptions {
  readonly all?: boolean;
  readonly task?: string;
}

export const approvals: CliCommand = {
  build: (command, run) => {
    withPageOptions(command)
      .argument('[approval]', 'show this one, whatever became of it')
      .option('--all', 'also those that are decided')
      .option('--task <task>', 'only of this task')
      .addHelpText(
        'after',
        examples('approvals', 'approvals --all --json', 'approvals appr_dev_01h2xcejqtf2nbrexx3vqjhp41'),
      )
      .action(
        run(async ({ terminal, estop, now }, id: string | undefined, options: ApprovalsOptions) => {
          if (id !== undefined) {
            const found = await estop.approvals.context(id);
            printOne(terminal, found.approval, () => approvalContextLines(found, now()));
            return exitCodes.confirmed;
          }
          const page = await estop.approvals.list({
            ...pageQuery(options),
            state: options.all === true ? 'all' : 'pending',
            ...(options.task === undefined ? {} : { task: options.task }),
          });
          printPage(terminal, page, (items) => items.flatMap((item) => [...approvalLines(item, now()), '']));
          if (page.items.length === 0)
            terminal.say(options.all === true ? 'There is none.' : 'Nothing waits for a decision.');
          return exitCodes.confirmed;
        }),
      );
  },
};
