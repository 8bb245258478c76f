import type { EstopConfig } from '../../contract/config.ts';
import type { RunningConfig } from '../../contract/http/config.ts';
import type { ConfigChange } from '../../runtime/config/diff-config.ts';
import { EstopError } from '../../sdk/index.ts';
import { type CliCommand, examples } from '../command.ts';
import type { CliContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { printOne } from '../print.ts';
import { visible } from '../visible.ts';
import { exact } from '../when.ts';

export const config: CliCommand = {
  build: (command, run) => {
    command
      .command('validate [file]')
      .description('Check a configuration; every fault with its line and what would be right')
      .addHelpText('after', examples('config validate', 'config validate other.yaml --json'))
      .action(run((context, file: string | undefined) => validate(context, file ?? 'estop.yaml')));
    command
      .command('init [file]')
      .description('Write a first configuration (estop.yaml) to change; nothing is ever written over')
      .addHelpText('after', examples('config init', 'config init staging.yaml'))
      .action(run((context, file: string | undefined) => init(context, file ?? 'estop.yaml')));
    command
      .command('diff [file] [other]')
      .description('What this file (estop.yaml) would change in what runs now; with two files, the second in the first')
      .addHelpText('after', examples('config diff', 'config diff next.yaml', 'config diff old.yaml new.yaml --json'))
      .action(
        run((context, file: string | undefined, other: string | undefined) =>
          other === undefined ? diffRunning(context, file ?? 'estop.yaml') : diffFiles(context, file ?? '', other),
        ),
      );
  },
};

async function validate({ terminal }: CliContext, file: string): Promise<ExitCode> {
  const { loadConfig } = await import('../../runtime/config/load-config.ts');
  const result = loadConfig(file);
  const faults = result.ok ? [] : result.faults;
  const { sharedCredentials } = await import('../../contract/credential-use.ts');
  const shared = result.ok ? sharedCredentials(result.config) : [];
  const warnings = result.ok && configuresNothing(result.config) ? [nothingConfigured] : [];
  printOne(terminal, { file, valid: result.ok, faults, warnings, sharedCredentials: shared }, () =>
    result.ok
      ? [
          `${visible(file)} is valid`,
          ...warnings.map((warning) => `warning: ${warning}`),
          ...shared.map((one) => `flagged: ${one.at} knows ${one.agents.join(', ')} by one credential (sharedBy)`),
        ]
      : faults.map(
          (fault) =>
            `${visible(file)}:${fault.line}:${fault.column}  ${visible(fault.where)} ${visible(fault.message)}`,
        ),
  );
  return result.ok ? exitCodes.confirmed : exitCodes.error;
}

const nothingConfigured =
  'it names no agent, connector, tool or model, so nothing can run; `estop config init first.yaml` writes an example to begin with';

const configuresNothing = ({ agents, connectors, toolServers, models }: EstopConfig): boolean =>
  [agents, connectors, toolServers, models].every((named) => named.length === 0);

async function init({ terminal }: CliContext, file: string): Promise<ExitCode> {
  const { initConfig } = await import('../../runtime/config/init-config.ts');
  initConfig(file);
  printOne(terminal, { file, written: true }, () => [
    `${visible(file)} is written: change it, check it with \`estop config validate\`, run it with \`estop dev\`.`,
  ]);
  return exitCodes.confirmed;
}

async function diffFiles(context: CliContext, before: string, after: string): Promise<ExitCode> {
  const { loadConfigOrThrow } = await import('../../runtime/config/load-config.ts');
  return report(context, { before, after }, loadConfigOrThrow(before), loadConfigOrThrow(after));
}

/** The file is read first: one that is not valid needs no installation to be told so. */
async function diffRunning(context: CliContext, file: string): Promise<ExitCode> {
  const { loadConfigOrThrow } = await import('../../runtime/config/load-config.ts');
  const after = loadConfigOrThrow(file);
  const running = await context.estop.config.running();
  const { version, appliedAt, appliedBy } = running;
  if (context.terminal.format === 'text')
    context.terminal.say(
      `${visible(file)} against version ${version}, applied ${exact(appliedAt, context.now())} by ${visible(appliedBy)}`,
    );
  return report(context, { before: { version, appliedAt, appliedBy }, after: file }, configIn(running), after);
}

/** Written by this version's control process or an older one's: looked at before it is believed. */
function configIn({ document }: RunningConfig): EstopConfig {
  const lists = ['agents', 'connectors', 'toolServers', 'models'];
  if (lists.every((name) => Array.isArray(document[name]))) return document as unknown as EstopConfig; // what the comparison reads
  throw new EstopError('bad-answer', { detail: 'What runs was not told as a configuration that this version knows.' });
}

async function report(
  { terminal }: CliContext,
  names: { readonly before: unknown; readonly after: string },
  before: EstopConfig,
  after: EstopConfig,
): Promise<ExitCode> {
  const { diffConfig } = await import('../../runtime/config/diff-config.ts');
  const changes = diffConfig(before, after);
  printOne(terminal, { ...names, changes }, () => (changes.length === 0 ? ['no difference'] : changes.map(changeLine)));
  return exitCodes.confirmed;
}

const marks = { added: '+', removed: '-', changed: '~' } as const;

function changeLine(change: ConfigChange): string {
  const value = (held: unknown): string => visible(JSON.stringify(held) ?? '');
  const what =
    change.kind === 'changed'
      ? `${value(change.before)} -> ${value(change.after)}`
      : value(change.kind === 'added' ? change.after : change.before);
  return `${marks[change.kind]} ${visible(change.path)}  ${what}`;
}
