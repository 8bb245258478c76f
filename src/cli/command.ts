import type { Command } from 'commander';
import type { Run } from './context.ts';

/** A top-level command: its file declares arguments and options on the given shell and binds actions with `run`. */
export interface CliCommand {
  build(command: Command, run: Run): void;
}

/** Name and summary suffice for --help; the file itself is loaded only when it is called, so that `estop stop` starts fast. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<CliCommand>;
}

/** Shown under --help, each one a line that works as it stands. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ estop ${line}`).join('\n')}`;
}
