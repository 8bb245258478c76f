import { createHmac, hkdfSync } from 'node:crypto';
import type { SecretSealer } from '../../contract/secret.ts';
import type { HeldKey, KeyRing } from './key-ring.ts';
import { createSealer } from './sealer.ts';

const contextOf = (name: string): string => `upstream-secret:${name}`;

/**
 * Under keys of their own: whoever sets a secret can open no grant with them. Fingerprints are under a key derived from each, which
 * opens nothing. `older`: what was sealed when secrets shared the keys of grants still opens, until it is sealed anew.
 */
export function createSecretSealer(ring: KeyRing, older?: Pick<KeyRing, 'find'>): SecretSealer {
  const sealer = createSealer({ ...ring, find: (kid) => ring.find(kid) ?? older?.find(kid) });
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
