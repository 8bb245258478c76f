import { defineConfig } from 'vitest/config';

/** The conventions alone: part of `npm run check`, so no server is started for them. */
export default defineConfig({
  test: {
    include: ['test/conventions/**/*.test.ts', 'test/model/**/*.test.ts'],
    root: `${import.meta.dirname}/../..`,
    reporters: ['dot'],
    pool: 'threads',
    // The compiler is started by one of them: on a machine that does other work it takes longer than a test usually may.
    testTimeout: 60_000,
  },
});
