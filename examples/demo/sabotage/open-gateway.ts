import { startGateway } from '../../../src/gateway/server.ts';
import { readPolicyFolder } from '../../../src/policy/read-folder.ts';
import { compose } from '../../../src/runtime/compose.ts';
import { endWithParent } from '../../../src/runtime/local/end-with-parent.ts';
import { policiesFolder } from '../../../src/runtime/package-root.ts';

/**
 * `--sabotage fence`: a gateway that hears of no stop and asks the ledger nothing, yet confirms every epoch. The report will say
 * `fenced`; the upstream's own log will say otherwise.
 */
endWithParent();
const composition = compose('gateway');
const { settings, log } = composition;
const gateway = await startGateway({
  environment: settings.environment,
  databaseUrl: composition.databaseUrl(),
  host: settings.host,
  port: settings.gatewayPort,
  config: composition.config(),
  policies: readPolicyFolder(policiesFolder),
  readSecret: composition.secretReader(),
  verifier: composition.tokenVerifier(),
  sealer: composition.grantSealer(),
  flowKeys: composition.flowKeys(),
  log,
  decorate: {
    fence: (port) => ({
      ...port,
      renew: async (gatewayId, afterGap, seenEpoch) => {
        const reply = await port.renew(gatewayId, afterGap, seenEpoch);
        return reply.granted ? { ...reply, stops: [] } : reply;
      },
    }),
    ledger: (port) => ({
      ...port,
      admit: async (request) => {
        const admission = await port.admit(request);
        return admission.kind === 'stopped' || admission.kind === 'denied' ? { kind: 'allow' } : admission;
      },
    }),
  },
});
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => void gateway.close().finally(() => process.exit(0)));
