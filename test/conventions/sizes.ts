/** No file over 300 lines: a longer one has two reasons to change. */
import type { SourceFile } from './source-tree.ts';

const longest = 300;

/** Pure data may be long; each line says why it is data. */
const longByNature: Readonly<Record<string, string>> = {};

const lineCount = (text: string): number => text.split('\n').length - (text.endsWith('\n') ? 1 : 0);

export function tooLong(files: readonly SourceFile[], exempt = longByNature): readonly string[] {
  return files
    .filter((file) => exempt[file.path] === undefined && lineCount(file.text) > longest)
    .map((file) => `${file.path} has ${lineCount(file.text)} lines`);
}

/** An exemption that is no longer needed hides the next long file. */
export function needlesslyExempt(files: readonly SourceFile[], exempt = longByNature): readonly string[] {
  const long = new Set(files.filter((file) => lineCount(file.text) > longest).map((file) => file.path));
  return Object.keys(exempt).filter((path) => !long.has(path));
}
