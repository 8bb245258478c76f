import type { Command } from 'commander';

/** A command that does something itself, with the words that call it. */
export interface Leaf {
  readonly path: string;
  readonly command: Command;
}

export const leavesOf = (commands: readonly Command[]): readonly Leaf[] =>
  commands.flatMap((command) => leaves(command, command.name()));

const leaves = (command: Command, path: string): readonly Leaf[] =>
  command.commands.length === 0
    ? [{ path, command }]
    : command.commands.flatMap((one) => leaves(one, `${path} ${one.name()}`));

/** As a person sees it: with what was added after the list of options. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (more) => (text += more) }).outputHelp();
  return text;
}

/** Of a command, or of the one above it that shows the examples of all its sub-commands. What comes before a pipe or a redirection is ours. */
export function examplesOf({ command, path }: Leaf): readonly string[] {
  const texts = [command, command.parent].filter((one) => one !== null).map(helpOf);
  const lines = texts.flatMap((text) => [...text.matchAll(/^ {2}\$ estop (.+)$/gm)].map(([, line = '']) => line));
  return lines
    .filter((line) => line === path || line.startsWith(`${path} `))
    .map((line) => line.split(/ [|<>] /)[0] ?? '');
}

/** Quotation marks as a shell takes them; what follows two spaces is a remark. */
export const wordsIn = (line: string): readonly string[] =>
  [...(line.split(/ {2,}/)[0] ?? '').matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');
