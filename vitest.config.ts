import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** On a fresh machine nothing is known of how long a file takes; begun last, the longest alone would take minutes of the whole. */
const longest = ['test/revocation/many.test.ts', 'test/e2e/demo.test.ts'];
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => longest.some((path) => moduleId.endsWith(path));
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

// Each test file is a process of its own, and many start others: what one of them compiled, the next ones find.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules', '.cache', 'compiled');

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Temporal's runtime is a singleton of its process and refuses vm contexts.
    pool: 'forks',
    // The tests wait for servers more than they compute; more than this and two cores starve the servers themselves.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    globalSetup: ['test/kit/global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    unstubEnvs: true,
  },
});
