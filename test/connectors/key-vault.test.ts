import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ConnectorSystem } from '../../src/connectors/kit/contract.ts';
import { projectRoot } from '../conventions/source-tree.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { contractSuite } from './contract-suite.ts';
import { keyVaultRig } from './key-vault.rig.ts';

/** The block of the page as a module: what it imports, from where the page says that it will lie. */
async function recipe(): Promise<ConnectorSystem> {
  const page = readFileSync(join(projectRoot, 'CONTRIBUTING.md'), 'utf8');
  const home = pathToFileURL(join(projectRoot, 'src', 'connectors', 'key-vault', 'index.ts')).href;
  const text = (/```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? '')
    .replaceAll(/from '(\.[^']+)'/g, (_whole, path: string) => `from '${new URL(path, home).href}'`)
    .replace("from 'zod'", `from '${import.meta.resolve('zod')}'`);
  const file = join(tempFolder(), 'key-vault.ts');
  writeFileSync(file, text);
  const { keyVault } = (await import(file)) as { keyVault: ConnectorSystem }; // test/conventions/recipe.test.ts compiles it against the kit
  return keyVault;
}

const connector = await recipe();

it('is the connector that the page shows', () => {
  expect(connector.system).toBe('key-vault');
});

describe('the connector that CONTRIBUTING.md shows', () => contractSuite(keyVaultRig(connector)));
