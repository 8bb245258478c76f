/** What a file imports, by text: TypeScript 7 offers no parser to programs, and the house style leaves few ways to write an import. */
import { posix } from 'node:path';
import type { SourceFile } from './source-tree.ts';

export interface Import {
  readonly specifier: string;
  /** Erased by the compiler: `import type` and `export type .. from` only, for `import { type X }` leaves an import behind. */
  readonly typeOnly: boolean;
}

const staticImport = /^[ \t]*(?:import|export)\s+(type\s+(?![,\s]*from\b))?(?:[^'";]*?\bfrom\s*)?['"]([^'"\n]+)['"]/gm;
const dynamicImport = /\bimport\(\s*['"]([^'"\n]+)['"]\s*[,)]/g;

export function importsOf(file: SourceFile): readonly Import[] {
  const text = file.text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^[ \t]*\/\/.*$/gm, '');
  return [
    ...Array.from(text.matchAll(staticImport), ([, type, specifier]) => ({
      specifier: specifier ?? '',
      typeOnly: type !== undefined,
    })),
    ...Array.from(text.matchAll(dynamicImport), ([, specifier]) => ({ specifier: specifier ?? '', typeOnly: false })),
  ];
}

/** The project path that a relative specifier names; undefined for a package. */
export function resolveImport(fromPath: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return posix.normalize(posix.join(posix.dirname(fromPath), specifier));
}
