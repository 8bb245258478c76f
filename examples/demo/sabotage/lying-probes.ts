import { runControlWorker } from './run-control-worker.ts';

/** `--sabotage probe`: nothing is cut and every probe says `denied`. Only who watches the hijacked loop itself can tell. */
runControlWorker({
  connector: (connector) => ({
    ...connector,
    cut: async () => ({ kind: 'revoked' }),
    probe: async () => ({ kind: 'denied', why: 'sabotaged', evidence: 'credential-probed' }),
    control: async () => ({ kind: 'allowed' }),
  }),
});
