import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { packageRoot } from '../../src/runtime/package-root.ts';

/** What people read, by its path in the project. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

export interface Block {
  /** As an editor takes it: `docs/operator.md:12`. */
  readonly at: string;
  readonly language: string;
  readonly text: string;
  /** The last line above it. */
  readonly above: string;
  /** That line says that some of it is not run. */
  readonly isMarked: boolean;
}

/** The visible words that a block stands under when a test can neither run nor read all of it. */
const mark = /\bnot run in a test\b/i;

export const readPage = (path: string): Page => ({ path, text: readFileSync(join(packageRoot, path), 'utf8') });

/** Everything for people but the models' page and the recorded decisions, which are about a day and not about today. */
export function allPages(): readonly Page[] {
  const below = (folder: string): readonly string[] =>
    readdirSync(join(packageRoot, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) return path === 'docs/decisions' ? [] : below(path);
      return entry.name.endsWith('.md') ? [path] : [];
    });
  return ['README.md', 'CONTRIBUTING.md', ...below('docs')].map(readPage);
}

export function blocksOf({ path, text }: Page): readonly Block[] {
  const blocks: Block[] = [];
  let open: { readonly line: number; readonly language: string; readonly above: string } | undefined;
  let inside: string[] = [];
  let said = '';
  text.split('\n').forEach((line, index) => {
    const fence = /^ *```(\S*)$/.exec(line);
    if (fence === null) {
      if (open !== undefined) inside.push(line);
      else if (line.trim() !== '') said = line;
      return;
    }
    if (open === undefined) {
      open = { line: index + 1, language: fence[1] ?? '', above: said };
      inside = [];
      return;
    }
    blocks.push({
      at: `${path}:${open.line}`,
      language: open.language,
      text: inside.join('\n'),
      above: open.above,
      isMarked: mark.test(open.above),
    });
    open = undefined;
    said = '';
  });
  if (open !== undefined) throw new Error(`${path}: the block that begins in line ${open.line} does not end`);
  return blocks;
}

/** The page without its blocks. */
export const proseOf = ({ text }: Page): string => text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '');

/** What stands in single backquotes, on one line. */
export const spansOf = (page: Page): readonly string[] =>
  Array.from(proseOf(page).matchAll(/`([^`\n]+)`/g), ([, span = '']) => span);
