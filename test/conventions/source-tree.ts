/** The project's own files, read from disk, for the checks of this folder. A check takes files, so that a test can plant one. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SourceFile {
  /** From the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export const projectRoot = join(import.meta.dirname, '..', '..');

const notOurs = new Set(['node_modules', 'dist', '.git', '.cache', '.estop', '.vitest', 'coverage', 'out']);

export function listFiles(folder: string, root = projectRoot): readonly string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '.' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return notOurs.has(entry.name) ? [] : listFiles(path, root);
    return entry.isFile() ? [path] : [];
  });
}

export function readFiles(folders: readonly string[], wanted: RegExp, root = projectRoot): readonly SourceFile[] {
  return folders
    .flatMap((folder) => listFiles(folder, root))
    .filter((path) => wanted.test(path))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

export const codeFolders = ['src', 'test', 'bench', 'examples', 'tools', 'deploy'] as const;
export const isCode = /\.(ts|tsx)$/;

/** A file that exists only in a test of a check. */
export const planted = (path: string, text: string): SourceFile => ({ path, text });
