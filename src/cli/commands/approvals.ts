import { Option } from 'commander';
import type { Approval } from '../../contract/http/approvals.ts';
import { approvalLines } from '../approval-lines.ts';
import { type CliCommand, examples } from '../command.ts';
import { exitCodes } from '../exit-code.ts';
import { type PageOptions, pageQuery, withPageOptions } from '../page-options.ts';
import { printPage } from '../print.ts';

interface ApprovalsOptions extends PageOptions {
  readonly in: Approval['state'];
  readonly task?: string;
}

export const approvals: CliCommand = {
  build: (command, run) => {
    withPageOptions(command)
      .addOption(
        new Option('--in <state>', 'only in this state')
          .choices(['pending', 'approved', 'denied', 'expired', 'closed', 'redeemed'])
          .default('pending'),
      )
      .option('--task <task>', 'only of this task')
      .addHelpText('after', examples('approvals', 'approvals --in denied --json'))
      .action(
        run(async ({ terminal, estop, now }, options: ApprovalsOptions) => {
          const page = await estop.approvals.list({
            ...pageQuery(options),
            state: options.in,
            ...(options.task === undefined ? {} : { task: options.task }),
          });
          printPage(terminal, page, (items) => items.flatMap((item) => [...approvalLines(item, now()), '']));
          if (page.items.length === 0) terminal.say(`Nothing is ${options.in}.`);
          return exitCodes.confirmed;
        }),
      );
  },
};
