import { type CliCommand, examples } from '../command.ts';
import { exitCodes } from '../exit-code.ts';
import { mandateWords } from '../mandate-words.ts';
import { printOne } from '../print.ts';
import { renderFields } from '../table.ts';
import { exact } from '../when.ts';

export const whoami: CliCommand = {
  build: (command, run) => {
    command.addHelpText('after', examples('whoami', 'whoami --json')).action(
      run(async ({ terminal, estop, now }) => {
        const who = await estop.signIn.whoAmI();
        printOne(terminal, who, () =>
          renderFields([
            ['you', who.actor],
            ...(who.person === who.actor ? [] : ([['taken for', who.person]] as const)),
            ['roles', who.roles.join(', ') || 'none over everything'],
            ...who.mandates.filter(({ labels }) => labels !== null).map((one) => ['role', mandateWords(one)] as const),
            ...(who.elevation === null
              ? []
              : ([
                  [
                    'elevated',
                    `${who.elevation.role} until ${exact(who.elevation.until, now())} (${who.elevation.elevationId})`,
                  ],
                ] as const)),
          ]),
        );
        return exitCodes.confirmed;
      }),
    );
  },
};
