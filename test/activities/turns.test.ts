import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createTurns, type Turn } from '../../src/activities/turns.ts';

const arbitraryWork = fc.array(
  fc.record({
    connector: fc.constantFrom('one', 'other'),
    rank: fc.constantFrom('first', 'next', 'later'),
    ticks: fc.nat(5),
    fails: fc.boolean(),
  }),
  { maxLength: 30 },
);

it('no system is ever asked for more at a time than it bears, and everybody has a turn, also after one that failed', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryWork, fc.integer({ min: 1, max: 4 }), async (works, width) => {
      const turns = createTurns();
      const running = { one: 0, other: 0 };
      let most = 0;
      const ended = await Promise.allSettled(
        works.map(({ connector, rank, ticks, fails }) =>
          turns.run({ connector, width, rank }, async () => {
            running[connector] += 1;
            most = Math.max(most, running[connector]);
            for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
            running[connector] -= 1;
            if (fails) throw new Error('it failed');
          }),
        ),
      );
      expect(ended.filter(({ status }) => status === 'rejected')).toHaveLength(
        works.filter(({ fails }) => fails).length,
      );
      expect(most).toBeLessThanOrEqual(width);
      expect(running).toEqual({ one: 0, other: 0 });
    }),
  );
});

it('whoever goes alone is let in before the crowds that came earlier, and their cuts before their last probes', async () => {
  const turns = createTurns();
  const order: string[] = [];
  let end = (): void => undefined;
  const held = new Promise<void>((resolve) => (end = resolve));
  const running = turns.run({ connector: 'one', width: 1, rank: 'later' }, () => held);
  const enter = (rank: Turn['rank'], name: string) =>
    turns.run({ connector: 'one', width: 1, rank }, async () => void order.push(name));
  const waiting = [
    enter('later', 'a last probe'),
    enter('next', 'one of a crowd'),
    enter('later', 'a last probe'),
    enter('first', 'a lane alone'),
  ];
  end();
  await Promise.all([running, ...waiting]);
  expect(order).toEqual(['a lane alone', 'one of a crowd', 'a last probe', 'a last probe']);
});
