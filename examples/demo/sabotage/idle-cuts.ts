import type { WorkerSabotage } from './control-worker.ts';

/** `--sabotage revoke`: every connector says `revoked` and does nothing. The probes must keep the stop from being proved. */
export const idleCuts: WorkerSabotage = {
  connector: (connector) => ({ ...connector, cut: async () => ({ kind: 'revoked' }) }),
};
