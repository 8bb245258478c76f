import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * On a fresh machine nothing is known of how long a file takes, and what is left over at the end has the machine to itself: so those
 * that wait for much with few lines come first.
 */
const longest = `
  revocation/many revocation/stuck revocation/escalation connectors/contract e2e/demo e2e/killed-processes docs/first-stop revocation/relay agent-task/flood
  revocation/halt agent-task/processes notices/notices console/pages gateway/fence/protocol runtime/postgres-server
  revocation/drain revocation/lanes stop/outage e2e/session connectors/pg-boss operations/running-system
  revocation/drill agent-task/kill deploy/rehearsal gateway/process gateway/mcp/conformance gateway/faults
  agent-task/waiting gateway/lease-loss console/approvals cli/commands runtime/temporal-tls gateway/failover
  cli/naughty-strings connectors/postgres revocation/foreign-temporal console/desk notices/response console/stop
  cli/policy cli/config revocation/late cli/stop connectors/temporal store/admit-many gateway/stop control/policies
  store/injection store/standby control/naughty-strings control/person-clients store/retention
`
  .trim()
  .split(/\s+/)
  .map((file) => `test/${file}.test.ts`);

/**
 * Whose files start no Temporal worker, whose library is one for its whole process, and leave nothing running behind: they take over
 * the process of the one before them, with what it has loaded of other people's code. Our own is loaded anew for each file.
 */
const sharing = `
  activities cli config console control conventions core deploy gateway keys policy sdk stop store
`
  .trim()
  .split(/\s+/)
  .map((folder) => `test/${folder}/**/*.test.ts`);
const [alone, shared] = ['alone', 'shared'] as const;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rankOf = ({ moduleId, project }: TestSpecification): number => {
      const rank = longest.findIndex((path) => moduleId.endsWith(path));
      // A process is only taken over by the very next file, so those that may stand together.
      return rank >= 0 ? rank : longest.length + (project.name === shared ? 1 : 0);
    };
    return sorted.toSorted((one, other) => rankOf(one) - rankOf(other));
  }
}

// What a shell says to everything that speaks to a PostgreSQL, or to the network, is not said to tests.
for (const name of Object.keys(process.env).filter((key) => /^PG|_proxy$/i.test(key))) delete process.env[name];

// Most test files start processes: what one of them compiled, the next ones find.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules', '.cache', 'compiled');

// The tests wait for servers more than they compute; more than this and two cores starve the servers themselves. Those that work in
// Temporal's own process compute the most, so they go first and fewer of them at once.
const atOnce = { [alone]: 3, [shared]: 5 };
const both = {
  // Temporal's runtime is a singleton of its process and refuses vm contexts.
  pool: 'forks',
  testTimeout: 120_000,
  hookTimeout: 180_000,
  unstubEnvs: true,
} as const;

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    globalSetup: ['test/kit/global-setup.ts'],
    projects: [
      {
        test: {
          ...both,
          name: alone,
          maxWorkers: atOnce[alone],
          sequence: { groupOrder: 0 },
          include: ['test/**/*.test.ts'],
          exclude: sharing,
        },
      },
      {
        test: {
          ...both,
          name: shared,
          maxWorkers: atOnce[shared],
          sequence: { groupOrder: 1 },
          include: sharing,
          isolate: false,
          setupFiles: ['test/kit/our-modules-anew.ts'],
        },
      },
    ],
  },
});
