/** What the workflow bundle would hold: everything that src/workflows reaches by an import that survives compilation. */
import { importsOf, resolveImport } from './imports.ts';
import type { SourceFile } from './source-tree.ts';

/** Deterministic by construction, or pure: nothing else may reach the isolate. */
const packagesOfTheBundle: readonly string[] = ['@temporalio/workflow', '@temporalio/common', 'canonicalize'];

export function foreignToTheBundle(files: readonly SourceFile[]): readonly string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reached = new Set<string>();
  const found: string[] = [];

  const visit = (file: SourceFile, road: readonly string[]): void => {
    if (reached.has(file.path)) return;
    reached.add(file.path);
    const here = [...road, file.path];
    for (const { specifier, typeOnly } of importsOf(file)) {
      if (typeOnly) continue;
      const target = resolveImport(file.path, specifier);
      if (target === undefined) {
        if (!packagesOfTheBundle.includes(specifier)) found.push(`${here.join(' -> ')} -> ${specifier}`);
        continue;
      }
      const next = byPath.get(target);
      if (next !== undefined) visit(next, here);
    }
  };

  for (const file of files) if (file.path.startsWith('src/workflows/')) visit(file, []);
  return found;
}
