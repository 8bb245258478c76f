import { createHmac, createSecretKey } from 'node:crypto';
import type { FlowKeys } from '../../contract/flow-keys.ts';
import type { KeyedHash } from '../../core/flow/keyed-hash.ts';
import type { HeldKey, KeyRing } from './key-ring.ts';

const hashBytes = 12;

export function createFlowKeys(ring: KeyRing): FlowKeys {
  return {
    newest: (rootTaskId) => {
      const key = ring.newest();
      return { keyId: key.kid, hash: hashUnder(key, rootTaskId) };
    },
    find: (keyId, rootTaskId) => {
      const key = ring.find(keyId);
      return key === undefined ? undefined : hashUnder(key, rootTaskId);
    },
  };
}

function hashUnder(key: HeldKey, rootTaskId: string): KeyedHash {
  // As a key object: made of bytes anew for each hash, the key costs more than the hash.
  const own = createSecretKey(createHmac('sha256', key.secret).update(`task flow of ${rootTaskId}`).digest());
  return (text) => createHmac('sha256', own).update(text).digest().toString('base64url', 0, hashBytes);
}
