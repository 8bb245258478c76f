import type { KeyedHash } from '../core/flow/keyed-hash.ts';

/**
 * Under which the values of a task tree are hashed: a key of its own for each tree, so that a value cannot be followed from one task
 * to another, and whoever has the store alone cannot try one out.
 */
export interface FlowKeys {
  /** For a tree that begins now. */
  newest(rootTaskId: string): { readonly keyId: string; readonly hash: KeyedHash };
  /** For one that began under that key; undefined if it is held no longer. */
  find(keyId: string, rootTaskId: string): KeyedHash | undefined;
}
