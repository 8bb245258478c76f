import fc from 'fast-check';
import type { Credential } from '../../src/core/credential.ts';
import type { StopEvent } from '../../src/core/stop.ts';

/** Few names, so that random histories meet themselves again. */
export const scopeKeys = ['fleet', 'agent:a', 'agent:b', 'task:1', 'label:team=x'] as const;
export const people = ['olga', 'sam'] as const;

export const anyScopeKey = fc.constantFrom(...scopeKeys);
export const anyStopId = fc.integer({ min: 1, max: 3 }).map((number) => `stop-${number}`);

/** Weighted, so that whole lives (latched, fenced, reset; or on to proved) are common and not a stroke of luck. */
export const anyStopEvent: fc.Arbitrary<StopEvent> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('latch' as const), stopId: anyStopId, scopeKey: anyScopeKey }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('fenced' as const), stopId: anyStopId }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('halted' as const, 'revoked' as const, 'proved' as const),
      stopId: anyStopId,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('found' as const),
      stopId: anyStopId,
      what: fc.constantFrom('task' as const, 'grant' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('reset' as const), stopId: anyStopId, actor: fc.constantFrom(...people) }),
  },
);

export const anyCredential: fc.Arbitrary<Credential> = fc.record({
  keys: fc.subarray([...scopeKeys]),
  epoch: fc.integer({ min: 0, max: 12 }),
});
