import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * On a fresh machine nothing is known of how long a file takes, and what is left over at the end has the machine to itself: so those
 * that wait for much with few lines come first.
 */
const longest = [
  'revocation/many',
  'e2e/demo',
  'connectors/contract',
  'notices/notices',
  'e2e/killed-processes',
  'revocation/relay',
  'revocation/halt',
  'operations/running-system',
  'agent-task/processes',
  'revocation/drain',
  'revocation/lanes',
  'revocation/drill',
  'agent-task/flood',
  'docs/first-stop',
  'connectors/pg-boss',
  'gateway/process',
  'stop/outage',
  'e2e/session',
].map((file) => `test/${file}.test.ts`);
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rankOf = ({ moduleId }: TestSpecification): number => {
      const rank = longest.findIndex((path) => moduleId.endsWith(path));
      return rank < 0 ? longest.length : rank;
    };
    return sorted.toSorted((one, other) => rankOf(one) - rankOf(other));
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
