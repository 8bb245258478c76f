import type { ResetResult, StopView } from '../../contract/http/stops.ts';
import { EstopError } from '../../sdk/index.ts';
import { type CliCommand, examples } from '../command.ts';
import { confirmByName } from '../confirm.ts';
import type { CliContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { printOne } from '../print.ts';
import { visible } from '../visible.ts';

interface ResetOptions {
  readonly reason: string;
  readonly yes?: boolean;
}

export const reset: CliCommand = {
  build: (command, run) => {
    command
      .argument('<stop>')
      .requiredOption('--reason <text>', 'why it may be unlatched')
      .option('-y, --yes', 'do not ask for the name of what is released')
      .addHelpText(
        'after',
        `\nNothing restarts by itself, and nothing issued before the stop comes back. The fleet needs two people.\n${examples('reset stop_dev_01h2xcejqtf2nbrexx3vqjhp41 --reason "credentials replaced"')}`,
      )
      .action(run((context, id: string, options: ResetOptions) => resetStop(context, id, options)));
  },
};

async function resetStop(context: CliContext, stopId: string, options: ResetOptions): Promise<ExitCode> {
  const { terminal, estop } = context;
  if (options.yes !== true) {
    if (!terminal.canAsk)
      throw new EstopError('invalid-input', { detail: 'There is no terminal to ask on: add --yes.' });
    const stop = await estop.stops.get(stopId);
    const question = `This unlatches the stop over ${visible(stop.scopeKey)}, ordered by ${visible(stop.actor)}: ${visible(stop.reason)}`;
    if (!(await confirmByName(terminal, [question, ...unproved(stop)].join('\n'), stop.scopeKey)))
      return exitCodes.declined;
  }
  const result = await estop.stops.reset(stopId, { reason: options.reason });
  const stop = terminal.format === 'text' ? await lookAt(context, result) : undefined;
  printOne(terminal, result, () => [
    sentence(result, stop),
    ...stillStopped(result),
    ...(stop === undefined ? [] : unproved(stop)),
  ]);
  return result.outcome === 'awaiting-second-person' ? exitCodes.partial : exitCodes.confirmed;
}

/** Of a reset that is done: that it cannot be looked at undoes nothing. */
const lookAt = async ({ estop }: CliContext, { stopId, outcome }: ResetResult): Promise<StopView | undefined> =>
  outcome === 'awaiting-second-person' ? undefined : estop.stops.get(stopId).catch(() => undefined);

/** As the console has it beside its form. */
const unproved = ({ reached }: StopView): readonly string[] =>
  reached === 'proved' ? [] : [`not proved yet: it has reached ${visible(reached)}, and the work on it goes on`];

function sentence(result: ResetResult, stop: StopView | undefined): string {
  switch (result.outcome) {
    case 'reset':
      return `reset at epoch ${result.epoch}; nothing restarts by itself`;
    case 'already-reset':
      return `was reset before, at epoch ${result.epoch}${stop === undefined || stop.reset === null ? '' : `, by ${visible(stop.reset.by)}: ${visible(stop.reset.reason)}`}`;
    case 'awaiting-second-person':
      return `recorded; still latched until another person resets the same stop (so far: ${result.requestedBy.map(visible).join(', ')})`;
  }
}

/** Nothing is free that another stop covers: whoever resets one must not believe otherwise. */
function stillStopped({ outcome, stillStoppedBy }: ResetResult): readonly string[] {
  if (outcome === 'awaiting-second-person') return [];
  if (stillStoppedBy === null)
    return ['whether another stop covers the same could not be read: estop stop ls --in-force'];
  return stillStoppedBy.map(({ stopId, scopeKey }) => `STILL STOPPED by ${visible(stopId)} over ${visible(scopeKey)}`);
}
