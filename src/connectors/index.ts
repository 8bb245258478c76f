import type { ConnectorSystem } from './kit/contract.ts';
import { oauth } from './oauth/index.ts';
import { pgBoss } from './pg-boss/index.ts';
import { postgres } from './postgres/index.ts';
import { temporal } from './temporal/index.ts';

/** The registry: one line per system; a convention test keeps it equal to the folders on disk. */
// biome-ignore format: one line per system
export const connectorSystems: readonly ConnectorSystem[] = [
  oauth,
  pgBoss,
  postgres,
  temporal,
];
