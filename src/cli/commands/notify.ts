import { answerWords } from '../../contract/delivery-words.ts';
import type { Notice } from '../../contract/http/notices.ts';
import { quietSentence } from '../../core/notice.ts';
import { type CliCommand, examples } from '../command.ts';
import { exitCodes } from '../exit-code.ts';
import { type PageOptions, pageQuery, withPageOptions } from '../page-options.ts';
import { printOne, printPage } from '../print.ts';
import { renderTable } from '../table.ts';
import { visibleShort } from '../visible.ts';
import { relative } from '../when.ts';

interface ListOptions extends PageOptions {
  readonly subject?: string;
  readonly unacknowledged?: boolean;
  readonly escalated?: boolean;
}

export const notify: CliCommand = {
  build: (command, run) => {
    withPageOptions(command.command('ls'))
      .description('What people were told, whom, and what became of it')
      .option('--subject <id>', 'only about this stop, approval, agent or gateway')
      .option('--unacknowledged', 'only what nobody has said to have seen')
      .option('--escalated', 'of these only what people are called for until somebody has seen it')
      .addHelpText('after', examples('notify ls', 'notify ls --escalated', 'notify ls --unacknowledged --json'))
      .action(
        run(async ({ terminal, estop, now }, { limit, cursor, ...filter }: ListOptions) => {
          const page = await estop.notices.list({
            ...filter,
            ...pageQuery({ limit, ...(cursor === undefined ? {} : { cursor }) }),
          });
          printPage(terminal, page, (items) => renderTable<Notice>(columns(now()), items));
          if (page.items.length === 0)
            terminal.say(cursor === undefined ? 'Nothing was told.' : 'Nothing further back.');
          return exitCodes.confirmed;
        }),
      );
    command
      .command('ack')
      .description('Say that you have seen it: nobody else is called')
      .argument('<notice or subject>', 'a notice, or a stop: then all that was told about it')
      .addHelpText('after', examples('notify ack stop_dev_01h2xcejqtf2nbrexx3vqjhp41'))
      .action(
        run(async ({ terminal, estop }, what: string) => {
          const result = await estop.notices.acknowledge(what);
          printOne(terminal, result, () => [
            result.notices === 0 ? 'somebody had acknowledged it before' : `acknowledged ${result.notices}`,
          ]);
          return exitCodes.confirmed;
        }),
      );
    command
      .command('test')
      .description('Send a test the whole way, to one endpoint or to all')
      .argument('[endpoint]')
      .addHelpText('after', examples('notify test', 'notify test pager'))
      .action(
        run(async ({ terminal, estop }, endpoint: string | undefined) => {
          const result = await estop.notices.test(endpoint);
          printOne(terminal, result, () => [
            `on its way to ${result.endpoints.join(', ')}  ${result.noticeId}`,
            'what became of it: estop notify ls --subject test',
          ]);
          return exitCodes.confirmed;
        }),
      );
  },
};

const columns = (now: number) => [
  { title: 'when', cell: ({ notedAt }: Notice) => relative(notedAt, now) },
  { title: 'event', cell: ({ event }: Notice) => event },
  { title: 'what', cell: ({ title }: Notice) => visibleShort(title, 60) },
  { title: 'told', cell: toldWords },
  { title: 'seen by', cell: ({ acknowledgedBy }: Notice) => visibleShort(acknowledgedBy ?? '', 24) },
  // What `ack` takes.
  { title: 'subject', cell: ({ subject }: Notice) => visibleShort(subject, 48) },
];

function toldWords({ quiet, deliveries }: Notice): string {
  if (quiet !== null) return `nobody: ${visibleShort(quietSentence(quiet), 80)}`;
  if (deliveries.length === 0) return 'nobody yet';
  return deliveries
    .map(({ endpoint, rung, state, attempts, answer }) => {
      const whom = rung === '' ? endpoint : `${endpoint} (${rung})`;
      const after =
        state === 'open' && attempts > 0
          ? ` after ${attempts}: ${visibleShort(answerWords(answer ?? 'no answer'), 24)}`
          : '';
      return `${whom} ${state}${after}`;
    })
    .join(', ');
}
