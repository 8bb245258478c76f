import { existsSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const thisFile = fileURLToPath(import.meta.url);

/** '.ts' when Node runs the sources, '.js' when it runs what the compiler made of them. Strings are not rewritten by it. */
export const sourceExtension: '.ts' | '.js' = extname(thisFile) === '.ts' ? '.ts' : '.js';

/** The folder that holds package.json, whether this file runs from src/ or from dist/src/. */
export const packageRoot: string = findPackageRoot(dirname(thisFile));

/** The policies that come with estop. */
export const policiesFolder: string = join(packageRoot, 'policies');

/** Where `src` is for the code that runs now: <root>/src or <root>/dist/src. The program of a realm is `<sourceRoot>/<realm>/main<sourceExtension>`. */
export const sourceRoot: string = dirname(dirname(thisFile));

function findPackageRoot(start: string): string {
  let folder = start;
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`no package.json at or above ${start}`);
    folder = parent;
  }
  return folder;
}
