import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundle } from '@temporalio/worker';
import { EstopError } from '../core/errors.ts';
import { packageRoot, sourceExtension, sourceRoot } from '../runtime/package-root.ts';
import { type KeptBundle, openKeptBundle } from './kept-bundle.ts';

/** A file of src/workflows whose exports are the workflow types of one kind of worker. */
export type WorkflowSet = 'agents' | 'control';

/** The one place that names workflow files by path: the compiler rewrites imports, not strings, so the extension is the running file's. */
const workflowsFile = (name: string): string =>
  fileURLToPath(new URL(`../workflows/${name}${sourceExtension}`, import.meta.url));

/** @param path a module of your own that exports the built-in workflows next to yours */
export async function bundleWorkflows(set: WorkflowSet, path: string = workflowsFile(set)): Promise<WorkflowBundle> {
  // Bundling takes seconds, and a control worker that starts is needed at once. What was bundled from the very same sources is taken again.
  const kept = path === workflowsFile(set) ? keptBundle(set) : undefined;
  const known = kept?.read();
  if (known !== undefined) return { code: known };
  const bundle = await bundleWorkflowCode({
    workflowsPath: path,
    failureConverterPath: workflowsFile('failure-converter'),
    workflowInterceptorModules: [workflowsFile('pass-trace-on')],
    logger: new DefaultLogger('WARN'),
  });
  // It would multiply the memory of every cached workflow by fourteen: refused here rather than found in production.
  if (/node_modules\/zod\//.test(bundle.code))
    throw new EstopError('config-invalid', { detail: `${path} brings zod into workflow code; keep it in activities` });
  kept?.write(bundle.code);
  return bundle;
}

/**
 * Lies beside the compiled code and is as trusted as that. Its name holds a hash of every file that can be in it and of the lock
 * file, so a stale one is never found.
 */
function keptBundle(set: WorkflowSet): KeptBundle {
  const hash = createHash('sha256');
  for (const realm of ['workflows', 'contract', 'core']) hashFolder(hash, join(sourceRoot, realm));
  hash.update(readFileSync(join(packageRoot, 'package-lock.json')));
  return openKeptBundle(join(packageRoot, 'dist', '.bundles'), set, hash.digest('hex').slice(0, 32));
}

function hashFolder(hash: ReturnType<typeof createHash>, folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !entry.name.endsWith(sourceExtension)) continue;
    const path = join(entry.parentPath, entry.name);
    hash.update(`${path}\n`).update(readFileSync(path));
  }
}
