import type { WorkerSabotage } from './control-worker.ts';

/** `--sabotage probe`: nothing is cut and every probe says `denied`. Only who watches the hijacked loop itself can tell. */
export const lyingProbes: WorkerSabotage = {
  connector: (connector) => ({
    ...connector,
    cut: async () => ({ kind: 'revoked' }),
    probe: async () => ({ kind: 'denied', why: 'sabotaged', evidence: 'credential-probed' }),
    control: async () => ({ kind: 'allowed' }),
  }),
};
