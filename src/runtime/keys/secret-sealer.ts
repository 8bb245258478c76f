import { createHmac, hkdfSync } from 'node:crypto';
import type { SecretSealer } from '../../contract/secret.ts';
import type { HeldKey, KeyRing } from './key-ring.ts';
import { createSealer } from './sealer.ts';

const contextOf = (name: string): string => `upstream-secret:${name}`;

/** Under the keys that seal grants, in a context of its own. Fingerprints are under a key derived from each, which opens nothing. */
export function createSecretSealer(ring: KeyRing): SecretSealer {
  const sealer = createSealer(ring);
  return {
    seal: (name, value) => {
      const sealed = sealer.seal(Buffer.from(value, 'utf8'), contextOf(name));
      const fingerprints = Object.fromEntries(ring.all().map((key) => [key.kid, fingerprint(key, value)]));
      const keyId = keyIdOf(sealed);
      return { sealed, keyId, fingerprint: fingerprints[keyId] ?? '', fingerprints };
    },
    open: (name, sealed) => Buffer.from(sealer.open(sealed, contextOf(name))).toString('utf8'),
    newestKeyId: () => ring.newest().kid,
  };
}

/** The header of sealed bytes says which key sealed them (sealer.ts): a rotation in between cannot part the two. */
function keyIdOf(sealed: Uint8Array): string {
  const length = sealed[1] ?? 0;
  return Buffer.from(sealed.subarray(2, 2 + length)).toString('utf8');
}

function fingerprint({ secret }: HeldKey, value: string): string {
  const own = Buffer.from(hkdfSync('sha256', secret, '', 'estop secret fingerprint', 32));
  return createHmac('sha256', own).update(value).digest('base64url');
}
