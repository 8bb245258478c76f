import { context, propagation, trace } from '@opentelemetry/api';
import { vi } from 'vitest';

/**
 * Run before each file that takes over a process, so that it finds our modules as they are at their start: what they hold, and what
 * they want done after a file's tests. Other people's stay loaded: they are most of what a file waits for before its first test.
 */
vi.resetModules();

// What a file before has set for its whole process, and did not live to take back.
vi.useRealTimers();
vi.unstubAllEnvs();
vi.restoreAllMocks();
for (const whole of [trace, context, propagation]) whole.disable();

// Some of our modules ask, where they are loaded, to be told when the process ends; many files in a row are no leak.
process.setMaxListeners(0);
