import type { ConnectorSystem } from '../kit/contract.ts';
import { createTemporalConnector } from './connector.ts';
import { type TemporalOptions, temporalGrant, temporalOptions } from './options.ts';

export const temporal: ConnectorSystem<TemporalOptions> = {
  system: 'temporal',
  optionsSchema: temporalOptions,
  grantSchema: temporalGrant,
  // Nobody takes up what it would start, and it starts nothing within a day.
  drill: { workflowType: 'estopDrill', taskQueue: 'estop-drill', everySeconds: 86_400 },
  phases: ['fence', 'terminate', 'disable-integration', 'sweep'],
  concurrency: 16,
  settleMs: 1_000,
  attemptMs: 8_000,
  generations: 'own',
  create: createTemporalConnector,
};
