import { hash } from 'node:crypto';
import type { KeyedHash } from '../../core/flow/keyed-hash.ts';

const keyBytes = 32;
/** 12 bytes, without padding. */
const shortLetters = 16;

/**
 * SHA-512/256 (FIPS 180-4) of the key in hex and then the text, cut to 12 bytes, in base64url. The second pass of HMAC is there because
 * who knows the SHA-256 of something knows that of something longer; this hash tells less than it holds, so that nobody can go on from
 * it (Coron, Dodis, Malinaud, Puniya: Merkle-Damgård Revisited, CRYPTO 2005). One call instead of two: every value of every output is
 * hashed, and of a short text nearly all the time goes into the calls. The key has one length, so no text can pass for a part of it.
 */
export function shortMac(key: Buffer): KeyedHash {
  if (key.length !== keyBytes) throw new RangeError(`The key has ${key.length} bytes, and not ${keyBytes}`);
  const head = key.toString('hex');
  return (text) => hash('sha512-256', head + text, 'base64url').slice(0, shortLetters);
}
