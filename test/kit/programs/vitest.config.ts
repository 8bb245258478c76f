import { defineConfig } from 'vitest/config';

/** A run within the run, for what can only be seen from outside. */
export default defineConfig({ test: { include: ['test/kit/programs/needs-go.ts'], root: '.' } });
