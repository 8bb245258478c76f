import { setFlagsFromString } from 'node:v8';

/**
 * Imported first, for its effect: a busy gateway makes much that is soon forgotten, and V8 would let four times what lives pile up
 * before it collects. The space for young objects is bounded where the process is started (`--max-semi-space-size`), because V8
 * reads that at its start alone. Together about a fifth more CPU, for less than half of the memory.
 */
setFlagsFromString('--heap-growing-percent=50');
