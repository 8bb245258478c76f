import { expect, it } from 'vitest';
import { requires } from '../requires.ts';

requires('go')('a suite', () => {
  it('runs', () => {
    expect(1 + 1).toBe(2);
  });
});
