import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shortMac } from '../../src/runtime/keys/short-mac.ts';

const bySteps = (key: Buffer, text: string): string =>
  createHash('sha512-256').update(key.toString('hex')).update(text).digest().toString('base64url', 0, 12);

describe('the hash under which values are remembered', () => {
  it('is SHA-512/256 of the key and the text, whatever they are, also right after a longer text', () => {
    const units = fc.array(fc.nat(0xffff)).map((codes) => String.fromCharCode(...codes));
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      units,
      fc.constantFrom('', '\ud800', 'a'.repeat(9_000), 'ü'.repeat(1_400)),
    );
    const keys = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(keys, fc.array(text, { minLength: 1, maxLength: 5 }), (bytes, texts) => {
        const key = Buffer.from(bytes);
        expect(texts.map(shortMac(key))).toEqual(texts.map((one) => bySteps(key, one)));
      }),
    );
  });

  it('is what another program makes of it (openssl dgst -sha512-256)', () => {
    const key = Buffer.from(Array.from({ length: 32 }, (_, at) => at));
    const said = Buffer.from(shortMac(key)('what do ya want for nothing?'), 'base64url').toString('hex');
    expect(said).toBe('c95364c246a04a73d5796318');
  });

  it.each([0, 16, 31, 33, 64])('takes no key of %i bytes: a text could pass for the rest of it', (bytes) => {
    expect(() => shortMac(Buffer.alloc(bytes, 7))).toThrow(RangeError);
  });
});
