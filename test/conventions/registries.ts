/**
 * A plugin is a folder or file plus one line in its family's registry. What is on disk and what is registered must be the same:
 * a file nobody registered is dead, a line without a file does not compile.
 */
import { importsOf, resolveImport } from './imports.ts';
import type { SourceFile } from './source-tree.ts';

export interface Family {
  readonly folder: string;
  readonly registry: string;
  /** Names a member by the path of one of its files; undefined for what belongs to the family's own machinery. */
  readonly memberOf: (pathInFolder: string) => string | undefined;
}

const fileMember = (path: string): string | undefined =>
  path.includes('/') || path === 'index.ts' ? undefined : path.replace(/\.tsx?$/, '');

export const families: readonly Family[] = [
  {
    folder: 'src/connectors',
    registry: 'src/connectors/index.ts',
    memberOf: (path) => (/^(?!kit\/)([^/]+)\//.exec(path) ?? [])[1],
  },
  { folder: 'src/control/routes', registry: 'src/control/routes/index.ts', memberOf: fileMember },
  { folder: 'src/cli/commands', registry: 'src/cli/commands/index.ts', memberOf: fileMember },
  { folder: 'src/gateway/checks', registry: 'src/gateway/gate.ts', memberOf: fileMember },
];

/** Vacuous only while nothing is in the folder; with a member and no registry, every member is missing. */
export function registryFaults(family: Family, files: readonly SourceFile[]): readonly string[] {
  const within = (path: string): string | undefined =>
    path.startsWith(`${family.folder}/`) ? path.slice(family.folder.length + 1) : undefined;
  const memberAt = (path: string): string | undefined => {
    const inside = within(path);
    return inside === undefined ? undefined : family.memberOf(inside);
  };
  const onDisk = new Set(files.map((file) => memberAt(file.path)).filter((member) => member !== undefined));
  const registry = files.find((file) => file.path === family.registry);
  const registered = (registry === undefined ? [] : importsOf(registry))
    .filter((one) => !one.typeOnly)
    .flatMap(({ specifier }) => memberAt(resolveImport(family.registry, specifier) ?? '') ?? []);
  const once = new Set(registered);
  return [
    ...[...onDisk]
      .filter((member) => !once.has(member))
      .map((member) => `${family.folder}/${member} has no line in ${family.registry}`),
    ...[...once]
      .filter((member) => !onDisk.has(member))
      .map((member) => `${family.registry} names ${member}, which is not on disk`),
    ...registered
      .filter((member, index) => registered.indexOf(member) !== index)
      .map((member) => `${family.registry} imports ${member} twice`),
  ];
}

/** 0001-name.sql, 0002-name.sql ..: a gap or a double is a merge that nobody looked at. */
export function migrationFaults(paths: readonly string[]): readonly string[] {
  const names = paths
    .filter((path) => /^src\/store\/migrations\/[^/]+$/.test(path))
    .map((path) => path.split('/').at(-1) ?? '');
  const malformed = names
    .filter((name) => !/^\d{4}-[a-z0-9]+(?:-[a-z0-9]+)*\.sql$/.test(name))
    .map((name) => `${name} is not NNNN-name.sql`);
  const numbers = names.map((name) => Number(name.slice(0, 4))).toSorted((a, b) => a - b);
  const gaps = numbers.flatMap((number, index) =>
    number === index + 1 ? [] : [`migration ${number} stands where ${index + 1} is due`],
  );
  return [...malformed, ...gaps.slice(0, 1)];
}

/** What a worker bundles: one module per queue that runs workflow code. */
const bundles = ['src/workflows/agents.ts', 'src/workflows/control.ts'] as const;

/** Every workflow type that the contract names is exported by exactly one bundle, and nothing else is. */
export function workflowFaults(typeNames: readonly string[], files: readonly SourceFile[]): readonly string[] {
  const exported = files
    .filter(({ path }) => bundles.some((bundle) => bundle === path))
    .flatMap(({ text }) =>
      Array.from(text.matchAll(/^export \{([^}]*)\}/gm), ([, list = '']) => list.split(',')).flat(),
    )
    .map(
      (name) =>
        name
          .trim()
          .split(/\s+as\s+/)
          .at(-1) ?? '',
    )
    .filter((name) => name !== '');
  return [
    ...typeNames
      .filter((name) => !exported.includes(name))
      .map((name) => `no bundle exports the workflow type ${name}`),
    ...exported
      .filter((name) => !typeNames.includes(name))
      .map((name) => `a bundle exports ${name}, which is no workflow type`),
    ...exported
      .filter((name, index) => exported.indexOf(name) !== index)
      .map((name) => `${name} is exported by two bundles`),
  ];
}
