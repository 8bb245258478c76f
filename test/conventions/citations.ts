/** Rules of the stop protocol, from their names in test/model/rules.ts to the files of src that carry them out. */
import type { SourceFile } from './source-tree.ts';

const citation = /\brules?: ([a-z0-9]+(?:-[a-z0-9]+)*(?:, ?[a-z0-9]+(?:-[a-z0-9]+)*)*)(?!-| ?[a-zA-Z0-9])/g;

/** A comment of SQL or TypeScript says `rule: a-name` or `rule: a-name, another`, on one line, and no word after it: that is prose. */
export function citedRules(files: readonly SourceFile[]): ReadonlyMap<string, readonly string[]> {
  const cited = new Map<string, readonly string[]>();
  for (const file of files) {
    const comments = file.text.split('\n').filter((line) => /--|\/\/|\/?\*/.test(line));
    for (const line of comments)
      for (const [, list = ''] of line.matchAll(citation))
        for (const name of list.split(/, ?/)) cited.set(name, [...(cited.get(name) ?? []), file.path]);
  }
  return cited;
}

export const uncited = (names: readonly string[], files: readonly SourceFile[]): readonly string[] => {
  const cited = citedRules(files);
  return names.filter((name) => !cited.has(name));
};

export const unknownRules = (names: readonly string[], files: readonly SourceFile[]): readonly string[] => {
  const known = new Set(names);
  return [...citedRules(files)]
    .filter(([name]) => !known.has(name))
    .map(([name, where]) => `${where.join(', ')}: no rule "${name}"`);
};
