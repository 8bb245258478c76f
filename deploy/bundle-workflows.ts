import { bundleWorkflows } from '../src/workers/bundle.ts';

/**
 * Run at the install and while the image is made: bundles are kept beside the compiled code, so that no worker needs the bundler,
 * whose memory it would never give back; and the image is read-only later.
 */
for (const set of ['agents', 'control'] as const) await bundleWorkflows(set);
