/** Who may import whom. The same table as the tsconfig references; this one can be read, printed and argued with. */
import { importsOf, resolveImport } from './imports.ts';
import type { SourceFile } from './source-tree.ts';

/** Besides itself, a realm imports these and nothing else. */
export const arrows: Readonly<Record<string, readonly string[]>> = {
  core: [],
  contract: ['core'],
  workflows: ['core', 'contract'],
  connectors: ['core', 'contract'],
  store: ['core', 'contract'],
  policy: ['core', 'contract'],
  sdk: ['core', 'contract'],
  runtime: ['core', 'contract', 'store', 'connectors'],
  activities: ['core', 'contract', 'store', 'connectors'],
  gateway: ['core', 'contract', 'store', 'connectors', 'runtime', 'policy'],
  stop: ['core', 'contract', 'store', 'runtime'],
  control: ['core', 'contract', 'store', 'runtime', 'policy'],
  cli: ['core', 'contract', 'sdk', 'runtime', 'policy'],
  workers: ['core', 'contract', 'store', 'connectors', 'activities', 'runtime', 'policy'],
};

/** Each is a process or a door of its own: what two of them share belongs below them. */
export const siblings = ['stop', 'gateway', 'control', 'cli', 'sdk'] as const;

const realmOf = (path: string): string | undefined => /^src\/([^/]+)\//.exec(path)?.[1];

export function forbiddenArrows(files: readonly SourceFile[], table = arrows): readonly string[] {
  return files.flatMap((file) => {
    const realm = realmOf(file.path);
    if (realm === undefined) return [];
    const allowed = table[realm];
    if (allowed === undefined) return [`${file.path}: the realm ${realm} has no line in the table of arrows`];
    return importsOf(file).flatMap(({ specifier }) => {
      const target = resolveImport(file.path, specifier);
      if (target === undefined) return [];
      const targetRealm = realmOf(target);
      if (targetRealm === realm || (targetRealm !== undefined && allowed.includes(targetRealm))) return [];
      return [`${file.path} imports ${target}: ${realm} may not import ${targetRealm ?? 'from outside src'}`];
    });
  });
}

/** The wiring is named by entry points alone; whoever else imports it has turned the arrows round. */
const mayCompose =
  /^(?:src\/runtime\/|src\/workers\/|src\/cli\/commands\/dev\.ts$|src\/(?:.+\/)?main\.ts$|test\/|bench\/|examples\/)/;

export function composedElsewhere(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap((file) => {
    if (mayCompose.test(file.path)) return [];
    return importsOf(file)
      .map(({ specifier }) => resolveImport(file.path, specifier))
      .filter((target) => target?.startsWith('src/runtime/compose') === true)
      .map((target) => `${file.path} imports ${target}: only entry points compose`);
  });
}

export function arrowTable(table = arrows): string {
  const names = Object.keys(table);
  const width = Math.max(...names.map((name) => name.length));
  const cell = (from: string, to: string): string =>
    (from === to ? '·' : table[from]?.includes(to) === true ? 'x' : ' ').padStart(2);
  const header = ' '.repeat(width) + names.map((_, index) => String(index + 1).padStart(3)).join('');
  const rows = names.map(
    (from, index) => `${from.padEnd(width)}${names.map((to) => ` ${cell(from, to)}`).join('')}   ${index + 1} ${from}`,
  );
  return ['who (row) imports whom (column)', header, ...rows].join('\n');
}
