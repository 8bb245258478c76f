import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { EstopError } from '../../core/errors.ts';
import { hasCode } from '../has-code.ts';
import { packageRoot } from '../package-root.ts';

/** Writes the example that comes with estop as a first configuration. Whatever stands at `path` already is never touched. */
export function initConfig(path: string): void {
  const schema = join(packageRoot, 'docs', 'estop.schema.json');
  const example = readFileSync(join(packageRoot, 'estop.yaml'), 'utf8');
  // Editors look for it from the folder of the file.
  const text = example.replace(/\$schema=\S+/, () => `$schema=${relative(dirname(resolve(path)), schema)}`);
  try {
    writeFileSync(path, text, { flag: 'wx' });
  } catch (thrown) {
    if (hasCode(thrown, 'EEXIST'))
      throw new EstopError('conflict', { detail: `${path} is there already; nothing was written.` });
    throw new EstopError('conflict', { detail: `It cannot be written: ${String(thrown)}`, cause: thrown });
  }
}
