import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Sabotage } from './protocol-parts.ts';
import { ProtocolWorld } from './protocol-world.ts';

/** One schedule: at each turn a number picks one of the steps that are enabled. */
const schedule = fc.array(fc.nat({ max: 1_000 }), { minLength: 10, maxLength: 120, size: 'max' });

/** What random schedules find but once in a million: without the guards named below these break. */
const brokeOnce: readonly (readonly number[])[] = [
  // M_VIEWFORCE
  [
    514, 476, 983, 0, 104, 818, 348, 318, 128, 531, 873, 178, 0, 0, 28, 0, 540, 20, 898, 0, 20, 925, 46, 106, 89, 134,
    306, 86, 0, 0, 0, 0, 69, 201, 0, 0, 0, 0, 0,
  ],
  // without MEND_EXPIRE
  [
    194, 122, 89, 131, 0, 608, 0, 424, 0, 584, 388, 0, 398, 156, 196, 26, 733, 14, 171, 34, 581, 75, 301, 44, 0, 249,
    200, 0,
  ],
];

function play(turns: readonly number[], sabotage: Sabotage): ProtocolWorld {
  const world = new ProtocolWorld(sabotage);
  for (const turn of turns) {
    const steps = world.enabled();
    if (steps.length === 0) break;
    steps[turn % steps.length]?.();
  }
  return world;
}

const holdsUnder = (sabotage: Sabotage, numRuns: number) =>
  fc.check(
    fc.property(schedule, (turns) => void play(turns, sabotage)),
    { numRuns, seed: 20_261_120, examples: brokeOnce.map((turns): [readonly number[]] => [turns]) },
  );

describe('a stop and a gateway, in every order their steps can be taken', () => {
  it('no effect after fenced goes unreported, nothing is admitted after the latch, no answer goes out after fenced', () => {
    const result = holdsUnder({}, 60_000);
    expect(result.errorInstance).toBe(null);
    expect(result.failed).toBe(false);
  });

  it('the schedules do get calls answered, also of the second generation', () => {
    const worlds = fc.sample(schedule, { numRuns: 20_000, seed: 1 }).map((turns) => play(turns, {}));
    expect(worlds.some((world) => world.answered === 2)).toBe(true);
    expect(worlds.some((world) => world.calls[2]?.settled === 'completed')).toBe(true);
  });

  it('either of two guards alone is enough where both are kept', () => {
    // A call is in the registry before ADMIT, so a view that arrives meanwhile cuts it; the second fence would deny it anyway.
    expect(holdsUnder({ lateRegistration: true }, 30_000).failed).toBe(false);
    expect(holdsUnder({ noFence2: true }, 30_000).failed).toBe(false);
    // After a gap nothing goes out before the intake is drained, whoever was called expired too early.
    expect(holdsUnder({ ignoreGap: true, small: true }, 60_000).failed).toBe(false);
    expect(holdsUnder({ expireAtOnce: true, small: true }, 60_000).failed).toBe(false);
  });

  // Each guard taken away must be noticed, or this world shows nothing. The names are those of the mutants of a2_fence.
  const mutants: readonly (readonly [guard: string, sabotage: Sabotage])[] = [
    ['the lease itself (M_NOLEASE)', { noLease: true }],
    ['counting the lease from the sending (M_RECV)', { leaseFromReceive: true }],
    ['the fence before the upstream (M_NOFENCE2)', { noFence2: true, lateRegistration: true }],
    ['the fence before the answer (M_NOFENCE3)', { noFence3: true, noDestroy: true }],
    ['destroying calls in flight (M_NODESTROY)', { noDestroy: true }],
    ['check and write in one tick (M_SPLIT)', { splitTick: true }],
    ['reset stops in the view (M_VIEWFORCE)', { viewInForceOnly: true }],
    ['the stops in ADMIT (M_NOADMITSTOP)', { noStopsInAdmit: true }],
    ['confirming that epoch and no later one (M_STALECONF)', { confirmAhead: true }],
    [
      'expiry no sooner than commit plus lease (without MEND_EXPIRE)',
      { expireAtOnce: true, ignoreGap: true, small: true },
    ],
    ['a reset only after the fence (without MEND_RESET)', { resetUnfenced: true }],
    ['renewal and stops in one query (M_SPLITRENEW)', { splitRenewal: true }],
  ];
  it.each(mutants)('without %s a schedule breaks it', (_guard, sabotage) => {
    const result = holdsUnder(sabotage, 300_000);
    expect(result.failed).toBe(true);
  });
});
