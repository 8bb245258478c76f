import { rigs as oauth } from './oauth.rig.ts';
import { rigs as pgBoss } from './pg-boss.rig.ts';
import { rigs as postgres } from './postgres.rig.ts';
import type { Rig } from './rig.ts';
import { rigs as temporal } from './temporal.rig.ts';

/** One line per system of the registry. */
export const allRigs: readonly Rig[] = [...oauth, ...pgBoss, ...postgres, ...temporal];
