/** One command of a line: what is set for it, the program and its words. `<task>` stands for an id and is one word. */
export interface ShellCommand {
  readonly words: readonly string[];
}

const token =
  /\s+|#.*|&&|\|\|?|;|(?:<[a-z][a-z -]*>|'[^']*'|"[^"]*"|\\.|[^\s'"\\|;&<>])+|(?:2?>>?|<)\s*(?:'[^']*'|\S+)|./g;

/** The little of a shell that pages use. What it does not know becomes a word of its own, and then no program has that name. */
export function commandsIn(block: string): readonly ShellCommand[] {
  return block
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .flatMap((line) => commandsOfLine(line));
}

function commandsOfLine(line: string): readonly ShellCommand[] {
  const commands: string[][] = [[]];
  for (const [part] of line.matchAll(token)) {
    if (/^\s/.test(part) || part.startsWith('#') || /^(?:2?>|<(?![a-z][a-z -]*>))/.test(part)) continue;
    if (/^(?:&&|\|\|?|;)$/.test(part)) commands.push([]);
    else commands.at(-1)?.push(part.replaceAll(/'([^']*)'|"([^"]*)"|\\(.)/g, '$1$2$3'));
  }
  return commands
    .map((words) => {
      const first = words.findIndex((word) => !/^[A-Z][A-Z0-9_]*=/.test(word));
      return { words: first < 0 ? [] : words.slice(first) };
    })
    .filter(({ words }) => words.length > 0);
}
