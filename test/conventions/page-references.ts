/** A comment that sends its reader to a page must name one that is there. */
import { posix } from 'node:path';
import type { SourceFile } from './source-tree.ts';

const page = /(?<![\w*<>`./-])(?:\.{1,2}\/)*[A-Za-z][\w./-]*\.md\b/g;

/** From the project's root, from docs/, or from beside the file that says so. */
export function danglingPages(files: readonly SourceFile[], existing: readonly string[]): readonly string[] {
  const pages = new Set(existing);
  return files.flatMap((file) =>
    Array.from(file.text.replaceAll(/\bhttps?:\/\/\S+/g, '').matchAll(page), ([name]) => name)
      .filter(
        (name) => ![name, `docs/${name}`, posix.join(posix.dirname(file.path), name)].some((path) => pages.has(path)),
      )
      .map((name) => `${file.path}: there is no ${name}`),
  );
}
