import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PolicyFiles } from './parse-set.ts';

/** Every *.cedar directly in the folder. */
export function readPolicyFolder(folder: string): PolicyFiles {
  const names = readdirSync(folder).filter((name) => name.endsWith('.cedar'));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}
