import { createHash, randomUUID } from 'node:crypto';

/**
 * The Idempotency-Key of everything that one call of the command line changes. A reply that was lost leaves it open whether it was done;
 * the same command under the same key does not do it a second time.
 */
export interface MutationKey {
  readonly key: string;
  /** A person gave it, and means what was sent under it before. */
  readonly isGiven: boolean;
  /** Has anything been sent under it? */
  isSent(): boolean;
  forRequest(): string;
  /** What is changed from here on is another change of the same call; the same call again counts the same way. */
  next(): void;
}

export function createMutationKey(given: string | undefined): MutationKey {
  const key = given ?? randomUUID();
  let isSent = false;
  let part = 0;
  return {
    key,
    isGiven: given !== undefined,
    isSent: () => isSent,
    forRequest: () => {
      isSent = true;
      return part === 0 ? key : `${key}.${part}`;
    },
    next: () => {
      part += 1;
    },
  };
}

/** A stop has an id in place of a key: 16 bytes that are the same for the same key. */
export const bytesOfKey = ({ key }: MutationKey): Uint8Array =>
  createHash('sha256').update(key).digest().subarray(0, 16);
