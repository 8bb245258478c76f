/** Where the compiler was told to look away: every such place says beside it why that is right. */
import type { SourceFile } from './source-tree.ts';

// The words themselves, which this check would otherwise find here.
const loose = /\bas any\b|:\s*any\b|<any>|\bas unknown as\b|\bany\[\]|@ts-expect-error|@ts-ignore/;
const defaultExport = /^\s*export\s+default\b|^\s*export\s*\{[^}]*\bas\s+default\b/;
const wallClock = /\bnew Date\(\s*\)|\bDate\(\s*\)/;

/** A comment after the code, or one that ends on the line before. */
function hasReason(line: string, before: string): boolean {
  const own = /\/\/\s*\S{3,}|\/\*+\s*\S{3,}/.exec(line.replace(/(['"`])(?:\\.|(?!\1).)*\1/g, "''"));
  return own !== null || /^\s*(?:\/\/\s*\S{3,}|\*(?!\/)|.*\*\/\s*$)/.test(before);
}

const withoutText = (line: string): string =>
  line.replace(/(['"`])(?:\\.|(?!\1).)*\1/g, "''").replace(/\/\/.*$|^\s*\*.*$|\/\*.*?(?:\*\/|$)/, '');

function eachLine(files: readonly SourceFile[], wrong: (line: string, before: string) => boolean): readonly string[] {
  return files.flatMap((file) => {
    const lines = file.text.split('\n');
    return lines.flatMap((line, index) =>
      wrong(line, lines[index - 1] ?? '') ? [`${file.path}:${index + 1}: ${line.trim()}`] : [],
    );
  });
}

export const looseWithoutReason = (files: readonly SourceFile[]): readonly string[] =>
  eachLine(files, (line, before) => loose.test(withoutText(line)) && !hasReason(line, before));

export const defaultExports = (files: readonly SourceFile[]): readonly string[] =>
  eachLine(files, (line) => defaultExport.test(line));

/** The linter sees Date.now and Math.random; a Date made of nothing is the same clock. */
export const clocksInTheCore = (files: readonly SourceFile[]): readonly string[] =>
  eachLine(files, (line) => wallClock.test(withoutText(line)));
