import { type KeyObject, sign as signBytes, verify as verifyBytes } from 'node:crypto';
import { z } from 'zod';
import type { OperatorProof, OperatorProofs } from '../../contract/identity.ts';
import { type KeyRing, signingKey } from './key-ring.ts';

const proofType = 'estop-operator+jwt';
/** Clocks of two hosts of one installation; the end is hours away. */
const toleranceMs = 60_000;

const header = z.strictObject({ alg: z.literal('EdDSA'), typ: z.literal(proofType), kid: z.string().max(128) });
const claims = z.strictObject({
  iss: z.string(),
  aud: z.string(),
  sub: z.string().min(1),
  person: z.string().min(1),
  sid: z.string(),
  scopes: z.array(z.string()).optional(),
  wider: z.strictObject({ sub: z.string().min(1), exp: z.number() }).optional(),
  iat: z.number(),
  exp: z.number(),
});

/**
 * That somebody who is signed in may stop things: what the stop process believes while neither the store nor an identity provider can
 * be asked. Good for a stop and for nothing else. A JWT, read here by hand because whoever has to know cannot wait for a promise.
 */
export function createOperatorProofs(ring: () => KeyRing, environment: string): OperatorProofs {
  const [issuer, audience] = [`estop:${environment}`, `estop-stop:${environment}`];
  const publicKeys = new Map<string, KeyObject>();
  const publicKey = (kid: string): KeyObject | undefined => {
    const known = publicKeys.get(kid);
    if (known !== undefined) return known;
    const held = ring().find(kid);
    if (held === undefined) return undefined;
    const made = signingKey(held).publicKey;
    publicKeys.set(kid, made);
    return made;
  };
  return {
    sign: ({ actor, person, signInId, scopes, wider, expiresAt }) => {
      const key = ring().newest();
      const payload = {
        iss: issuer,
        aud: audience,
        sub: actor,
        person,
        sid: signInId,
        ...(scopes === undefined ? {} : { scopes }),
        ...(wider === undefined ? {} : { wider: { sub: wider.actor, exp: Math.floor(wider.until / 1_000) } }),
        iat: Math.floor(Date.now() / 1_000),
        exp: Math.floor(expiresAt / 1_000),
      };
      const signed = `${encode({ alg: 'EdDSA', typ: proofType, kid: key.kid })}.${encode(payload)}`;
      const signature = signBytes(null, Buffer.from(signed), signingKey(key).privateKey);
      return `${signed}.${signature.toString('base64url')}`;
    },
    verify: (token): OperatorProof | undefined => {
      const [head = '', body = '', signature = '', ...more] = token.length > 16_384 ? [] : token.split('.');
      if (more.length > 0 || ![head, body, signature].every(isCanonical)) return undefined;
      try {
        const { kid } = header.parse(decode(head));
        const key = publicKey(kid);
        const isOurs =
          key !== undefined &&
          verifyBytes(null, Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'));
        if (!isOurs) return undefined;
        const { iss, aud, sub, person, sid, scopes, wider, iat, exp } = claims.parse(decode(body));
        if (iss !== issuer || aud !== audience || isOver(exp)) return undefined;
        return {
          actor: sub,
          person,
          signInId: sid,
          issuedAt: iat * 1_000,
          expiresAt: exp * 1_000,
          ...(scopes === undefined ? {} : { scopes }),
          ...(wider === undefined || isOver(wider.exp)
            ? {}
            : { wider: { actor: wider.sub, until: wider.exp * 1_000 } }),
        };
      } catch {
        return undefined; // whatever it is, it is no proof
      }
    },
  };
}

const isOver = (second: number): boolean => second * 1_000 + toleranceMs < Date.now();
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
const isCanonical = (part: string): boolean =>
  /^[A-Za-z0-9_-]+$/.test(part) && Buffer.from(part, 'base64url').toString('base64url') === part;
