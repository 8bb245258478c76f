/**
 * A line of a shell of the POSIX family, cut into programs and their words, if nothing in it is filled in, sent elsewhere, or run
 * besides them. What such shells read differently is refused.
 */
export interface ShellWord {
  readonly text: string;
  /** A star outside of quotes: the shell fills in names of files. */
  readonly isPattern: boolean;
}

const longest = 2_000;
const pieces =
  /(?<space>[ \t]+)|(?<end>&&|\|(?![|&])|;(?!;))|(?<bare>[\p{L}\p{N}_.,:=@%+~*/-]+)|'(?<single>[^']*)'|"(?<double>[^"$`\\!]*)"/uy;
/** What cannot be seen, lines of their own, a quote that one shell takes for escaped. */
const treacherous = /[^\P{C}\t]|[\u2028\u2029]|\\'/u;

export function shellPrograms(line: string): readonly (readonly ShellWord[])[] | undefined {
  if (line.length > longest || treacherous.test(line)) return undefined;
  const programs: ShellWord[][] = [[]];
  let word: ShellWord | undefined;
  let isOver = true;
  const close = (): void => {
    if (word !== undefined) programs.at(-1)?.push(word);
    word = undefined;
  };
  for (let at = 0; at < line.length; at = pieces.lastIndex) {
    pieces.lastIndex = at;
    const groups = pieces.exec(line)?.groups;
    if (groups === undefined) return undefined;
    const { space, end, bare, single, double } = groups;
    if (space !== undefined || end !== undefined) close();
    if (space !== undefined) continue;
    isOver = end === ';';
    if (end !== undefined) {
      if (programs.at(-1)?.length === 0) return undefined;
      programs.push([]);
      continue;
    }
    // `=ls`, `a~b`: filled in by some shells.
    if (bare !== undefined && (bare.startsWith('=') || (word !== undefined && bare.includes('~')))) return undefined;
    const text: string = `${word?.text ?? ''}${bare ?? single ?? double ?? ''}`;
    word = { text, isPattern: word?.isPattern === true || bare?.includes('*') === true };
  }
  close();
  if (programs.at(-1)?.length === 0) {
    if (!isOver || programs.length === 1) return undefined;
    programs.pop();
  }
  return programs;
}
