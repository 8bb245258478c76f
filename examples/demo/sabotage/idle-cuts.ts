import { runControlWorker } from './run-control-worker.ts';

/** `--sabotage revoke`: every connector says `revoked` and does nothing. The probes must keep the stop from being proved. */
runControlWorker({ connector: (connector) => ({ ...connector, cut: async () => ({ kind: 'revoked' }) }) });
