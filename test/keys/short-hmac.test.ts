import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shortHmac } from '../../src/runtime/keys/short-hmac.ts';

const byNode = (key: Buffer, text: string): string =>
  createHmac('sha256', key).update(text).digest().toString('base64url', 0, 12);

describe('the hash under which values are remembered', () => {
  it('is HMAC-SHA256, whatever the key and the text, also right after a longer text', () => {
    const units = fc.array(fc.nat(0xffff)).map((codes) => String.fromCharCode(...codes));
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      units,
      fc.constantFrom('', '\ud800', 'a'.repeat(9_000), 'ü'.repeat(1_400)),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.array(text, { minLength: 1, maxLength: 5 }), (bytes, texts) => {
        const key = Buffer.from(bytes);
        const keyed = shortHmac(key);
        expect(texts.map(keyed)).toEqual(texts.map((one) => byNode(key, one)));
      }),
    );
  });

  it('is the published one (RFC 4231, test case 2)', () => {
    const published = '5bdcc146bf60754e6a042426089575c7';
    expect(
      Buffer.from(shortHmac(Buffer.from('Jefe'))('what do ya want for nothing?'), 'base64url').toString('hex'),
    ).toBe(published.slice(0, 24));
  });
});
