import { randomFillSync } from 'node:crypto';

const pageBytes = 4_096;

/**
 * So many random bytes at each call, and none of them twice. The generator is asked for a page at a time: to ask it costs ten times what
 * the bytes of one id cost, and every request takes several.
 */
export function createRandomBytes(count: number): () => Uint8Array {
  let page = new Uint8Array(0);
  let used = 0;
  return () => {
    if (used + count > page.length) {
      page = randomFillSync(new Uint8Array(pageBytes));
      used = 0;
    }
    used += count;
    return page.subarray(used - count, used);
  };
}
