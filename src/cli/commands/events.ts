import { lastEventIdHeader, notAnEvent } from '../../contract/event-id.ts';
import { EstopError, type EstopEvent } from '../../sdk/index.ts';
import { type CliCommand, examples } from '../command.ts';
import { eventLine } from '../event-line.ts';
import { exitCodes } from '../exit-code.ts';
import { endWhenUnheard } from '../go-on-unheard.ts';
import { sayOfConnection } from '../say-of-connection.ts';

export const events: CliCommand = {
  build: (command, run) => {
    command
      .option('--stop <stop>', 'only this stop and its obligations')
      .option('--since <event>', 'go on after this event id')
      .addHelpText(
        'after',
        `\nOne line an event, by the time at which it was heard; -o jsonl has all of each.\n${examples('events', 'events --stop stop_dev_01h2xcejqtf2nbrexx3vqjhp41 -o jsonl')}`,
      )
      .action(
        run(async ({ terminal, estop, now }, options: { readonly stop?: string; readonly since?: string }) => {
          endWhenUnheard(exitCodes.confirmed);
          const onConnection = sayOfConnection(terminal);
          const { stop, since: lastEventId } = options;
          for await (const event of asTyped(estop.events.stream({ stop, lastEventId, onConnection }))) {
            if (terminal.format === 'text') terminal.data(eventLine(event, new Date(now())));
            else terminal.data(JSON.stringify({ kind: 'event', id: event.id, name: event.name, data: event.data }));
          }
          return exitCodes.confirmed;
        }),
      );
  },
};

/** What is wrong is said under the name by which it was typed. */
async function* asTyped(stream: AsyncIterable<EstopEvent>): AsyncGenerator<EstopEvent> {
  try {
    yield* stream;
  } catch (thrown) {
    const isSince = thrown instanceof EstopError && thrown.fields.some(({ pointer }) => pointer === lastEventIdHeader);
    throw isSince ? notAnEvent('--since') : thrown;
  }
}
