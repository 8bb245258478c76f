import { createHmac } from 'node:crypto';
import type { FlowKeys } from '../../contract/flow-keys.ts';
import type { KeyedHash } from '../../core/flow/keyed-hash.ts';
import type { HeldKey, KeyRing } from './key-ring.ts';
import { shortMac } from './short-mac.ts';

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
  return shortMac(createHmac('sha256', key.secret).update(`task flow of ${rootTaskId}`).digest());
}
