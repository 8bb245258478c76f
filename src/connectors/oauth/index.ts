import type { ConnectorSystem } from '../kit/contract.ts';
import { createOauthConnector } from './connector.ts';
import { type OauthOptions, oauthGrant, oauthOptions } from './options.ts';

export const oauth: ConnectorSystem<OauthOptions> = {
  system: 'oauth',
  optionsSchema: oauthOptions,
  grantSchema: oauthGrant,
  drill: {},
  phases: ['fence', 'revoke-credential', 'disable-integration'],
  concurrency: 16,
  settleMs: 500,
  attemptMs: 5_000,
  generations: 'own',
  create: createOauthConnector,
};
