import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import type { Sealer } from '../../contract/identity.ts';
import { EstopError } from '../../core/errors.ts';
import type { HeldKey, KeyRing } from './key-ring.ts';

const version = 1;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * AES-256-GCM. Layout: version (1) | length of kid (1) | kid | nonce (12) | tag (16) | ciphertext. Authenticated besides: the
 * header and a context, so that bytes moved to another row or field do not open. Random nonces: safe far beyond the number of
 * grants and payloads one key seals (2^32 is the bound).
 */
export function createSealer(ring: KeyRing): Sealer {
  // From bytes, a cipher makes itself one of these each time, which costs more than to seal a payload.
  const prepared = new WeakMap<HeldKey, KeyObject>();
  const cipherKey = (key: HeldKey): KeyObject => {
    const known = prepared.get(key) ?? createSecretKey(key.secret);
    prepared.set(key, known);
    return known;
  };
  return {
    seal: (plain, context) => {
      const key = ring.newest();
      const kid = Buffer.from(key.kid, 'utf8');
      const header = Buffer.concat([Buffer.from([version, kid.length]), kid]);
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', cipherKey(key), nonce);
      cipher.setAAD(Buffer.concat([header, Buffer.from(context, 'utf8')]));
      const body = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([header, nonce, cipher.getAuthTag(), body]);
    },
    open: (sealed, context) => {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      const kidLength = bytes[1];
      if (bytes[0] !== version || kidLength === undefined || bytes.length < 2 + kidLength + nonceBytes + tagBytes)
        throw new EstopError('sealed-data-invalid');
      const header = bytes.subarray(0, 2 + kidLength);
      const key = ring.find(header.subarray(2).toString('utf8'));
      if (key === undefined) throw new EstopError('key-unknown', { detail: header.subarray(2).toString('utf8') });
      const nonce = bytes.subarray(header.length, header.length + nonceBytes);
      const tag = bytes.subarray(header.length + nonceBytes, header.length + nonceBytes + tagBytes);
      const decipher = createDecipheriv('aes-256-gcm', cipherKey(key), nonce, { authTagLength: tagBytes });
      decipher.setAAD(Buffer.concat([header, Buffer.from(context, 'utf8')]));
      decipher.setAuthTag(tag);
      try {
        return Buffer.concat([
          decipher.update(bytes.subarray(header.length + nonceBytes + tagBytes)),
          decipher.final(),
        ]);
      } catch {
        throw new EstopError('sealed-data-invalid');
      }
    },
  };
}
