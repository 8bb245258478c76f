import { z } from 'zod';
import type { ConnectorDirectory } from '../../src/activities/connector-directory.ts';
import type { Connector, ConnectorSystem } from '../../src/connectors/kit/contract.ts';

/** A connector to a system that never answers. It stands behind the contract, where no real system can be made to hang on time. */
export function hangingConnector(): { readonly directory: ConnectorDirectory; asked(): number } {
  let asked = 0;
  const connector: Connector = {
    plan: ({ grantId }) => ({ target: 'nowhere', handle: { grantId } }),
    issue: (_grant, { signal }) => {
      asked += 1;
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
    cut: async () => ({ kind: 'revoked' }),
    probe: async () => ({ kind: 'inconclusive', why: 'it never answers' }),
    control: async () => ({ kind: 'not-allowed', why: 'it never answers' }),
    lists: async () => 'absent',
    selfCheck: async () => ({ ok: true, findings: [] }),
    close: async () => undefined,
  };
  const system: ConnectorSystem = {
    system: 'hanging',
    optionsSchema: z.unknown(),
    grantSchema: z.unknown(),
    phases: [],
    concurrency: 1,
    settleMs: 0,
    attemptMs: 30_000,
    generations: 'own',
    create: () => connector,
  };
  return { directory: { get: () => ({ system, connector }) }, asked: () => asked };
}
