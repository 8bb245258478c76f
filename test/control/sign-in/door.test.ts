import { describe, expect, it } from 'vitest';
import { createDoor, type DoorSizes } from '../../../src/control/sign-in/door.ts';

const sizes: DoorSizes = {
  each: { atOnce: 10, perSecond: 1 },
  together: { atOnce: 100, perSecond: 10 },
  reserve: { atOnce: 20, perSecond: 2 },
};
const openDoor = (changes: Partial<DoorSizes> = {}) => {
  let seconds = 0;
  const door = createDoor({ ...sizes, ...changes }, () => seconds * 1_000);
  const passes = (source: string, times: number): number =>
    Array.from({ length: times }).filter(() => door.pass(source)).length;
  return { door, passes, wait: (more: number) => void (seconds += more) };
};
const many = (count: number): readonly string[] => Array.from({ length: count }, (_, n) => `10.0.${n >> 8}.${n & 255}`);

describe('a door at which nobody has to prove anything', () => {
  it('lets one source in so often, whatever it tries, and takes nothing of it from another', () => {
    const { passes, wait } = openDoor();
    expect([passes('one', 1_000), passes('other', 5)]).toEqual([10, 5]);
    wait(3);
    expect([passes('one', 1_000), passes('other', 1)]).toEqual([3, 1]);
  });

  it('lets all sources in so often together', () => {
    const { door } = openDoor();
    const letIn = many(1_000).filter((source) => door.pass(source)).length;
    expect(letIn).toBe(sizes.together.atOnce + sizes.reserve.atOnce);
  });

  it('in a flood from many sources lets in from where somebody has signed in before, and who asks for little', () => {
    const { door, passes, wait } = openDoor();
    expect(passes('the office', 1)).toBe(1);
    door.welcome('the office');
    for (let round = 0; round < 20; round += 1) {
      for (const source of many(100)) passes(source, 20);
      wait(1);
    }
    for (const source of many(100)) passes(source, 20);
    expect([passes('the office', 5), passes('a phone', 2)]).toEqual([5, 2]);
    // What is refused takes nothing from what a source may have later.
    expect(passes('10.0.0.99', 1)).toBe(0);
    wait(3_600);
    expect(passes('10.0.0.99', 20)).toBe(10);
  });

  it('keeps a welcomed source within its own bound', () => {
    const { door, passes } = openDoor();
    door.welcome('the office');
    expect(passes('the office', 1_000)).toBe(10);
  });

  it('remembers so many sources and no more, and those who were forgotten are bound together all the same', () => {
    const { passes, door } = openDoor({ together: { atOnce: 30_000, perSecond: 0 } });
    expect([passes('first', 20), passes('first', 1)]).toEqual([10, 0]);
    for (const source of many(20_000)) door.pass(source);
    expect(passes('first', 20)).toBe(10);
    const all = openDoor({ together: { atOnce: 100, perSecond: 0 }, reserve: { atOnce: 0, perSecond: 0 } });
    expect(many(25_000).filter((source) => all.door.pass(source)).length).toBe(100);
    expect(all.passes('10.0.0.0', 1)).toBe(0);
  });
});
