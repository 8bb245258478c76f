import { expect, it } from 'vitest';
import { createRandomBytes } from '../../src/gateway/random-bytes.ts';

it('gives out no random bytes twice, and changes none that it has given', () => {
  const next = createRandomBytes(16);
  const drawn = Array.from({ length: 1_000 }, () => {
    const bytes = next();
    return { bytes, text: Buffer.from(bytes).toString('hex') };
  });
  expect(new Set(drawn.map(({ text }) => text)).size).toBe(1_000);
  for (const { bytes, text } of drawn) expect(Buffer.from(bytes).toString('hex')).toBe(text);
  expect(drawn.every(({ bytes }) => bytes.length === 16)).toBe(true);
});
