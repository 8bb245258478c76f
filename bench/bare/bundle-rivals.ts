import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundle } from '@temporalio/worker';
import { sourceExtension } from '../../src/runtime/package-root.ts';

/** Made while the bed starts, so that no row waits seconds for it. Returns where it is. */
export async function bundleRivals(folder: string): Promise<string> {
  const path = join(folder, 'rivals.js');
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL(`./workflows${sourceExtension}`, import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  writeFileSync(path, code);
  return path;
}

export const readBundle = (path: string): WorkflowBundle => ({ code: readFileSync(path, 'utf8') });
