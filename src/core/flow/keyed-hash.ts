/**
 * What the index keeps instead of a value. `KeyedHash` is SHA-512/256 under a key, cut to 12 bytes, handed in because this realm imports
 * nothing of the platform; whoever has the store but not the key can neither read a value nor try one out. Words of prose, of
 * which an output has tens of thousands, go through HalfSipHash under a key derived from the same one: made for short input,
 * 15 times as fast, and 32 bits say no more than that some word was seen.
 */
export type KeyedHash = (text: string) => string;
export type WordHash = (word: string) => number;

export function wordHash(hash: KeyedHash): WordHash {
  const seed = hash('words of prose');
  const k0 = fold(seed, 0);
  const k1 = fold(seed, 1);
  return (word) => halfSip(k0, k1, word);
}

/** 32 bits out of the text of a digest, whatever its alphabet. */
function fold(seed: string, offset: number): number {
  let value = 0x9e3779b9;
  for (let at = offset; at < seed.length; at += 2) {
    value = Math.imul(value ^ seed.charCodeAt(at), 0x85ebca6b);
    value ^= value >>> 13;
  }
  return value | 0;
}

/** HalfSipHash-1-3 over the UTF-16 units, two to a block. */
function halfSip(k0: number, k1: number, text: string): number {
  let v0 = k0;
  let v1 = k1;
  let v2 = 0x6c796765 ^ k0;
  let v3 = 0x74656462 ^ k1;
  const blocks = (text.length + 2) >> 1;
  for (let block = 0; block < blocks + 3; block += 1) {
    // The last block carries the length; NaN past the end of the text is 0 after the shift.
    const word =
      block < blocks - 1
        ? text.charCodeAt(2 * block) | (text.charCodeAt(2 * block + 1) << 16)
        : block === blocks - 1
          ? (2 * block < text.length ? text.charCodeAt(2 * block) : 0) | (text.length << 16)
          : 0;
    if (block === blocks) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return (v1 ^ v3) >>> 0;
}
