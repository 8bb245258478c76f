import { describe, expect, it } from 'vitest';
import { createLanes, type Entered } from '../../src/activities/notices/lanes.ts';

describe('the places that one endpoint has', () => {
  const enter = (lanes: ReturnType<typeof createLanes>, count: number, endpoint: string, isFirst: boolean) =>
    Promise.all(Array.from({ length: count }, () => lanes.enter(endpoint, isFirst)));
  const kinds = (entered: readonly Entered[]) => entered.filter(({ kind }) => kind === 'in').length;

  it('are its own, and those of first tries are not taken by later ones', async () => {
    const lanes = createLanes();
    expect(kinds(await enter(lanes, 20, 'hangs', false))).toBe(4);
    expect(kinds(await enter(lanes, 20, 'hangs', true))).toBe(8);
    expect(kinds(await enter(lanes, 20, 'awake', true))).toBe(8);
  });

  it('come free, and whoever waits for a moment has one', async () => {
    const lanes = createLanes();
    const held = await enter(lanes, 8, 'busy', true);
    const waiting = lanes.enter('busy', true);
    const [one] = held;
    if (one?.kind === 'in') one.leave();
    expect((await waiting).kind).toBe('in');
    expect((await lanes.enter('busy', true)).kind).toBe('full');
  });

  it('are given in turn to those who were turned away, a bounded time later', async () => {
    const lanes = createLanes(() => 0);
    const turns = (await enter(lanes, 1_000, 'hangs', false)).flatMap((one) =>
      one.kind === 'full' ? [one.afterMs] : [],
    );
    // An endpoint that answers again is no reason to wait so long.
    const busy = createLanes(() => 0);
    const [held] = await enter(busy, 100, 'busy', true);
    if (held?.kind === 'in') held.leave();
    const [, next] = await enter(busy, 2, 'busy', true);
    expect(next).toEqual({ kind: 'full', afterMs: 500 });
    expect([turns[0], turns[1], turns.length, Math.max(...turns)]).toEqual([2_000, 4_000, 996, 600_000]);
  });
});
