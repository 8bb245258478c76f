import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { EstopError } from '../core/errors.ts';
import { sourceExtension } from '../runtime/package-root.ts';

/** A file of src/workflows whose exports are the workflow types of one kind of worker. */
export type WorkflowSet = 'agents' | 'control';

/** The one place that names workflow files by path: the compiler rewrites imports, not strings, so the extension is the running file's. */
const workflowsFile = (name: string): string =>
  fileURLToPath(new URL(`../workflows/${name}${sourceExtension}`, import.meta.url));

/** @param path a module of your own that exports the built-in workflows next to yours */
export async function bundleWorkflows(
  set: WorkflowSet,
  path: string = workflowsFile(set),
): Promise<WorkflowBundleWithSourceMap> {
  const bundle = await bundleWorkflowCode({
    workflowsPath: path,
    failureConverterPath: workflowsFile('failure-converter'),
    logger: new DefaultLogger('WARN'),
  });
  // It would multiply the memory of every cached workflow by fourteen: refused here rather than found in production.
  if (/node_modules\/zod\//.test(bundle.code))
    throw new EstopError('config-invalid', { detail: `${path} brings zod into workflow code; keep it in activities` });
  return bundle;
}
