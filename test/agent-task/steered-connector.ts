import { z } from 'zod';
import type { ConnectorDirectory } from '../../src/activities/connector-directory.ts';
import type {
  CallContext,
  Connector,
  ConnectorSystem,
  GrantSecret,
  LedgerGrant,
} from '../../src/connectors/kit/contract.ts';

export interface SteeredConnector {
  readonly directory: ConnectorDirectory;
  /** What `issue` does; replaced by tests. */
  issue: (grant: LedgerGrant, context: CallContext) => Promise<GrantSecret>;
  cut: Connector['cut'];
  readonly asked: LedgerGrant[];
  readonly cuts: { readonly phase: string; readonly grant: LedgerGrant }[];
}

export const hang = (_grant: LedgerGrant, { signal }: CallContext): Promise<GrantSecret> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

/** A system that does what a test needs at one moment of a mint. It stands behind the contract; the store and everything else is real. */
export function steeredConnector(): SteeredConnector {
  const steered: SteeredConnector = {
    issue: async ({ grantId }) => ({ password: `secret-of-${grantId}` }),
    cut: async () => ({ kind: 'revoked' }),
    asked: [],
    cuts: [],
    directory: { get: () => ({ system, connector }) },
  };
  const connector: Connector = {
    plan: ({ grantId, epoch }) => ({ target: 'db', handle: { role: `${grantId}_${epoch}` } }),
    issue: (grant, context) => {
      steered.asked.push(grant);
      return steered.issue(grant, context);
    },
    cut: (phase, grant, context) => {
      steered.cuts.push({ phase, grant });
      return steered.cut(phase, grant, context);
    },
    probe: async () => ({ kind: 'inconclusive', why: 'not asked here' }),
    control: async () => ({ kind: 'not-allowed', why: 'not asked here' }),
    lists: async () => 'absent',
    selfCheck: async () => ({ ok: true, findings: [] }),
    close: async () => undefined,
  };
  const system: ConnectorSystem = {
    system: 'steered',
    optionsSchema: z.unknown(),
    grantSchema: z.unknown(),
    phases: ['terminate', 'revoke-credential'],
    concurrency: 1,
    settleMs: 0,
    attemptMs: 30_000,
    generations: 'own',
    create: () => connector,
  };
  return steered;
}
