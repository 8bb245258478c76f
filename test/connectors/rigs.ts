import { rigs as postgres } from './postgres.rig.ts';
import type { Rig } from './rig.ts';

/** One line per system of the registry. */
export const allRigs: readonly Rig[] = [...postgres];
