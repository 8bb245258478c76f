import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectorReadiness, Drill } from '../../contract/http/connectors.ts';
import { EstopError } from '../../sdk/index.ts';
import { type CliCommand, examples } from '../command.ts';
import type { CliContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { printOne } from '../print.ts';
import { visible } from '../visible.ts';
import { relative } from '../when.ts';
import { listConnectors } from './connectors.ts';

const lookEveryMs = 500;
/** Beyond what a drill gives itself. */
const patienceMs = 300_000;

export const connector: CliCommand = {
  build: (command, run) => {
    command
      .command('ls')
      .description('Whether each could cut off now, and what its last drill came to')
      .addHelpText('after', examples('connector ls'))
      .action(run(listConnectors));
    command
      .command('show <connector>')
      .description('One of them, with its last drill')
      .addHelpText('after', examples('connector show crm'))
      .action(run((context, id: string) => show(context, id)));
    command
      .command('drill <connector>')
      .description('Make a credential, cut it off as a stop would, and prove it dead; exit code 0 only if proved')
      .addHelpText('after', examples('connector drill crm', 'connector drill crm --json'))
      .action(run((context, id: string) => drill(context, id)));
  },
};

async function show({ terminal, estop, now }: CliContext, id: string): Promise<ExitCode> {
  const found = await find(estop, id);
  printOne(terminal, found, () => [
    `${visible(found.connectorId)}  ${visible(found.system)}`,
    `can cut off now   ${found.ready}`,
    ...found.findings.map((finding) => `                  ${visible(finding)}`),
    `last self-check   ${found.checkedAt === null ? 'never' : relative(found.checkedAt, now())}`,
    `last drill        ${found.lastDrill === null ? 'never' : drillLine(found.lastDrill, now())}`,
    `drilled by itself ${scheduleLine(found, now())}`,
    `live credentials  ${found.liveGrants}`,
    `to be made dead   ${found.openObligations}`,
    `given to          ${found.agents.map(visible).join(' ') || 'no agent'}`,
  ]);
  return found.ready === 'yes' && found.lastDrill?.state !== 'failed' ? exitCodes.confirmed : exitCodes.partial;
}

/** What is printed is the end of the very drill that was asked for. */
async function drill({ terminal, estop, now }: CliContext, id: string): Promise<ExitCode> {
  const { taskId } = await estop.overview.drill(id);
  terminal.say(`A drill of ${visible(id)} is under way.`);
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    const { lastDrill } = await find(estop, id);
    if (lastDrill?.taskId === taskId && lastDrill.state !== 'asked') {
      printOne(terminal, lastDrill, () => [drillLine(lastDrill, now())]);
      return lastDrill.state === 'proved' ? exitCodes.confirmed : exitCodes.error;
    }
    if (performance.now() > giveUpAt) {
      terminal.say('It is not over yet; `estop connector show` says what came of it.');
      return exitCodes.partial;
    }
    await sleep(lookEveryMs);
  }
}

async function find(estop: CliContext['estop'], id: string): Promise<ConnectorReadiness> {
  const { items } = await estop.overview.connectors();
  const found = items.find(({ connectorId }) => connectorId === id);
  if (found === undefined) throw new EstopError('not-found', { detail: 'There is no such connector.' });
  return found;
}

function scheduleLine({ drillEveryMs, drillProvedAt }: ConnectorReadiness, now: number): string {
  if (drillEveryMs === null) return 'never';
  const proved = drillProvedAt === null ? 'none was proved yet' : `last proved ${relative(drillProvedAt, now)}`;
  return `every ${Math.round(drillEveryMs / 60_000)} min, ${proved}`;
}

function drillLine(
  { state, askedBy, askedAt, finishedAt, why, evidence, issueMs, cutMs, proveMs }: Drill,
  now: number,
): string {
  const times =
    issueMs === null || cutMs === null || proveMs === null
      ? ''
      : `, issued in ${issueMs} ms, cut off in ${cutMs} ms, proved in ${proveMs} ms`;
  const told = [evidence, why].filter((text) => text !== null).map((text) => `, ${visible(text)}`);
  return `${state} ${relative(finishedAt ?? askedAt, now)} by ${visible(askedBy)}${times}${told.join('')}`;
}
