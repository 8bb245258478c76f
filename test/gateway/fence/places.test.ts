import { expect, it } from 'vitest';
import { Places } from '../../../src/gateway/fence/places.ts';

const takeAll = (places: Places, where: string, agentId: string): (() => void)[] => {
  const taken: (() => void)[] = [];
  for (;;) {
    const leave = places.enter(where, agentId);
    if (leave === undefined) return taken;
    taken.push(leave);
  }
};

it('one agent takes half of the places, the next half of the rest, and somewhere else is somewhere else', () => {
  const places = new Places(64);
  const [first, second, third] = ['a', 'b', 'c'].map((agentId) => takeAll(places, 'here', agentId));
  expect([first?.length, second?.length, third?.length]).toEqual([32, 16, 8]);
  expect(takeAll(places, 'there', 'a').length).toBe(32);
  expect(places.enter('here', 'd')).toBeDefined();
});

it('a place that is left is free, once', () => {
  const places = new Places(4);
  const [leave] = takeAll(places, 'here', 'a');
  leave?.();
  leave?.();
  expect(takeAll(places, 'here', 'a').length).toBe(1);
  for (const agentId of ['b', 'c']) for (const end of takeAll(places, 'here', agentId)) end();
  expect(takeAll(places, 'here', 'b').length).toBe(1);
});
