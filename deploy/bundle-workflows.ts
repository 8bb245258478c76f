import { bundleWorkflows } from '../src/workers/bundle.ts';

/** Run while the image is made: bundles are kept beside the compiled code, and the image is read-only later. */
for (const set of ['agents', 'control'] as const) await bundleWorkflows(set);
