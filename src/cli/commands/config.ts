import { type CliCommand, examples } from '../command.ts';
import type { CliContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { printOne } from '../print.ts';
import { visible } from '../visible.ts';

export const config: CliCommand = {
  build: (command, run) => {
    command
      .command('validate [file]')
      .description('Check a configuration; every fault with its line and what would be right')
      .addHelpText('after', examples('config validate', 'config validate other.yaml --json'))
      .action(run((context, file: string | undefined) => validate(context, file ?? 'estop.yaml')));
    command
      .command('diff <before> [after]')
      .description('What replacing one configuration by another would change')
      .addHelpText('after', examples('config diff running.yaml estop.yaml'))
      .action(
        run((context, before: string, after: string | undefined) => diff(context, before, after ?? 'estop.yaml')),
      );
  },
};

async function validate({ terminal }: CliContext, file: string): Promise<ExitCode> {
  const { loadConfig } = await import('../../runtime/config/load-config.ts');
  const result = loadConfig(file);
  const faults = result.ok ? [] : result.faults;
  printOne(terminal, { file, valid: result.ok, faults }, () =>
    result.ok
      ? [`${visible(file)} is valid`]
      : faults.map(
          (fault) =>
            `${visible(file)}:${fault.line}:${fault.column}  ${visible(fault.where)} ${visible(fault.message)}`,
        ),
  );
  return result.ok ? exitCodes.confirmed : exitCodes.error;
}

async function diff({ terminal }: CliContext, before: string, after: string): Promise<ExitCode> {
  const [{ loadConfigOrThrow }, { diffConfig }] = await Promise.all([
    import('../../runtime/config/load-config.ts'),
    import('../../runtime/config/diff-config.ts'),
  ]);
  const changes = diffConfig(loadConfigOrThrow(before), loadConfigOrThrow(after));
  const marks = { added: '+', removed: '-', changed: '~' } as const;
  const value = (held: unknown): string => visible(JSON.stringify(held) ?? '');
  printOne(terminal, { before, after, changes }, () =>
    changes.length === 0
      ? ['no difference']
      : changes.map((change) => {
          const what =
            change.kind === 'changed'
              ? `${value(change.before)} -> ${value(change.after)}`
              : value(change.kind === 'added' ? change.after : change.before);
          return `${marks[change.kind]} ${visible(change.path)}  ${what}`;
        }),
  );
  return exitCodes.confirmed;
}
