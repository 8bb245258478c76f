import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Temporal's runtime is a singleton of its process and refuses vm contexts.
    pool: 'forks',
    // The tests wait for servers more than they compute; more than this and two cores starve the servers themselves.
    maxWorkers: 3,
    globalSetup: ['test/kit/global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // A crowded machine may starve real servers for seconds. What passes only on a retry is marked as such in the report; what is wrong
    // fails three times. At a developer's desk it fails at once.
    retry: process.env['CI'] === undefined ? 0 : 2,
    unstubEnvs: true,
  },
});
