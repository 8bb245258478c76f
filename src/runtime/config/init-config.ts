import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EstopError } from '../../core/errors.ts';
import { hasCode } from '../has-code.ts';
import { packageRoot } from '../package-root.ts';

/** Editors look for it from the folder of the file, and read it up to the first blank: a path that holds one is said as a URL. */
export function schemaReference(path: string, schema: string): string {
  const way = relative(dirname(resolve(path)), resolve(schema));
  return /\s/.test(way) ? pathToFileURL(schema).href : way;
}

/** Writes the example that comes with estop as a first configuration. Whatever stands at `path` already is never touched. */
export function initConfig(path: string): void {
  const schema = join(packageRoot, 'docs', 'estop.schema.json');
  const example = readFileSync(join(packageRoot, 'estop.yaml'), 'utf8');
  const text = example.replace(/\$schema=\S+/, () => `$schema=${schemaReference(path, schema)}`);
  try {
    writeFileSync(path, text, { flag: 'wx' });
  } catch (thrown) {
    if (hasCode(thrown, 'EEXIST'))
      throw new EstopError('conflict', { detail: `${path} is there already; nothing was written.` });
    throw new EstopError('conflict', { detail: `It cannot be written: ${String(thrown)}`, cause: thrown });
  }
}
