import { type CliCommand, examples } from '../command.ts';
import type { CliContext } from '../context.ts';
import { examine } from '../doctor/examine.ts';
import { exitCodeOfFindings, type Finding, type Health } from '../doctor/finding.ts';
import type { ExitCode } from '../exit-code.ts';
import { printOne } from '../print.ts';
import { visible } from '../visible.ts';

const marks: Readonly<Record<Health, string>> = { ok: 'ok', note: 'note', weak: 'weak', unknown: '?', bad: 'BAD' };
const markWidth = 6;
const partWidth = 15;

export const doctor: CliCommand = {
  build: (command, run) => {
    command
      .addHelpText(
        'after',
        `\nLooks and changes nothing. Exits with 0 if all is well, 3 if it is weaker than it should be or somebody who knows is away, 1 if something is broken.\n${examples('doctor', 'doctor --json')}`,
      )
      .action(run(diagnose));
  },
};

async function diagnose(context: CliContext): Promise<ExitCode> {
  const findings = await examine(context);
  const exitCode = exitCodeOfFindings(findings);
  printOne(context.terminal, { exitCode, findings }, () => findings.flatMap(linesOf));
  return exitCode;
}

const linesOf = ({ part, health, says, means }: Finding): readonly string[] => [
  `${marks[health].padEnd(markWidth)}${part.padEnd(partWidth)}${visible(says)}`,
  ...(means === undefined || health === 'ok' ? [] : [`${' '.repeat(markWidth + partWidth)}${means}`]),
];
