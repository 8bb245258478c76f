/** A name says what is in the file: kebab-case, and none of the words under which anything may be put. */
const saysNothing = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'manager', 'stuff']);
const kebab = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** Made by tools that choose their names. */
const namedByTools = /^(?:tsconfig(?:\.[a-z]+)?\.json|README\.md|__[a-z]+__)$/;

export function badNames(paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) =>
    path.split('/').flatMap((part) => {
      if (namedByTools.test(part)) return [];
      const [name = '', ...endings] = part.split('.');
      const wrong = [name, ...endings].find((word) => !kebab.test(word) && !/^a[123]_|^[bc][12]_/.test(word));
      if (wrong !== undefined) return [`${path}: ${part} is not kebab-case`];
      const empty = name.split('-').find((word) => saysNothing.has(word));
      return empty === undefined ? [] : [`${path}: "${empty}" says nothing`];
    }),
  );
}
