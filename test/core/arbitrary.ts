import fc from 'fast-check';
import type { Credential } from '../../src/core/credential.ts';
import type { StopEvent } from '../../src/core/stop.ts';

/** Few names, so that random histories meet themselves again. */
export const scopeKeys = ['fleet', 'agent:a', 'agent:b', 'task:1', 'label:team=x'] as const;
export const people = ['olga', 'sam'] as const;

export const anyScopeKey = fc.constantFrom(...scopeKeys);
export const anyStopId = fc.integer({ min: 1, max: 6 }).map((number) => `stop-${number}`);

export const anyStopEvent: fc.Arbitrary<StopEvent> = fc.oneof(
  fc.record({ kind: fc.constant('latch' as const), stopId: anyStopId, scopeKey: anyScopeKey }),
  fc.record({ kind: fc.constantFrom('fenced' as const, 'halted' as const, 'revoked' as const, 'proved' as const), stopId: anyStopId }),
  fc.record({ kind: fc.constant('found' as const), stopId: anyStopId, what: fc.constantFrom('task' as const, 'grant' as const) }),
  fc.record({ kind: fc.constant('reset' as const), stopId: anyStopId, actor: fc.constantFrom(...people) }),
);

export const anyCredential: fc.Arbitrary<Credential> = fc.record({
  keys: fc.subarray([...scopeKeys]),
  epoch: fc.integer({ min: 0, max: 12 }),
});
