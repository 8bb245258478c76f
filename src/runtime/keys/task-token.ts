import { type KeyObject, randomBytes } from 'node:crypto';
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { TaskTokenSigner, TaskTokenVerifier, TokenTimes, TokenVerdict } from '../../contract/identity.ts';
import { tokenLifeMs } from '../../contract/numbers.ts';
import { errorCodeOf } from '../../core/errors.ts';
import { formatId } from '../../core/ids.ts';
import { type KeyRing, signingKey } from './key-ring.ts';

const tokenType = 'estop-task+jwt';
const issuerOf = (environment: string): string => `estop:${environment}`;
const audienceOf = (environment: string): string => `estop-gateway:${environment}`;

const claimsSchema = z.object({
  jti: z.string(),
  sub: z.string(),
  iat: z.number(),
  exp: z.number(),
  task: z.string(),
  agent: z.string(),
  agents: z.array(z.string()).min(1),
  keys: z.array(z.string()).min(1),
  epoch: z.int().nonnegative(),
});

interface TokenOptions {
  readonly ring: KeyRing;
  readonly environment: string;
  readonly trustDomain: string;
  /** Milliseconds since 1970; the clock of this machine where nothing is said. */
  readonly now?: () => number;
}

export function createTaskTokenSigner({ ring, environment, trustDomain }: TokenOptions): TaskTokenSigner {
  return {
    sign: async (claims) => {
      const key = ring.newest();
      const now = Date.now();
      const expiresAt = now + tokenLifeMs;
      const token = await new SignJWT({
        task: claims.taskId,
        agent: claims.agentId,
        agents: claims.agents,
        keys: claims.keys,
        epoch: claims.epoch,
      })
        .setProtectedHeader({ alg: 'EdDSA', typ: tokenType, kid: key.kid })
        .setIssuer(issuerOf(environment))
        .setAudience(audienceOf(environment))
        .setSubject(`spiffe://${trustDomain}/agent/${claims.agentId}`)
        .setJti(formatId('tok', environment, randomBytes(16)))
        .setIssuedAt(Math.floor(now / 1000))
        .setExpirationTime(Math.floor(expiresAt / 1000))
        .sign(signingKey(key).privateKey);
      return { token, expiresAt };
    },
  };
}

/** Canonical base64url only: JOSE libraries take text with altered trailing bits, which would slip past anything keyed by text. */
const canonicalPart = /^[A-Za-z0-9_-]+$/;
function isCanonical(token: string): boolean {
  const parts = token.split('.');
  return (
    parts.length === 3 &&
    parts.every((part) => canonicalPart.test(part) && Buffer.from(part, 'base64url').toString('base64url') === part)
  );
}

export function createTaskTokenVerifier({ ring, environment, trustDomain, now }: TokenOptions): TaskTokenVerifier {
  const publicKeys = new Map<string, KeyObject>();
  const publicKey = (kid: string): KeyObject | undefined => {
    const known = publicKeys.get(kid);
    if (known !== undefined) return known;
    const held = ring.find(kid);
    if (held === undefined) return undefined;
    const made = signingKey(held).publicKey;
    publicKeys.set(kid, made);
    return made;
  };
  return {
    verify: async (token): Promise<TokenVerdict> => {
      if (token.length > 16_384 || !isCanonical(token)) return { ok: false, code: 'unauthenticated' };
      try {
        const header = decodeProtectedHeader(token);
        const kid = typeof header.kid === 'string' && header.kid.length < 128 ? header.kid : '';
        if (kid !== '' && !kid.startsWith(`token-${environment}-`)) return { ok: false, code: 'foreign-environment' };
        const key = publicKey(kid);
        if (key === undefined) return { ok: false, code: 'unauthenticated' };
        const { payload } = await jwtVerify(token, key, {
          algorithms: ['EdDSA'],
          typ: tokenType,
          issuer: issuerOf(environment),
          audience: audienceOf(environment),
          requiredClaims: ['exp', 'iat', 'jti', 'sub'],
          maxTokenAge: tokenLifeMs / 1000 + 60,
          clockTolerance: 5,
          ...(now === undefined ? {} : { currentDate: new Date(now()) }),
        });
        const claims = claimsSchema.parse(payload);
        if (claims.sub !== `spiffe://${trustDomain}/agent/${claims.agent}`)
          return { ok: false, code: 'unauthenticated' };
        return {
          ok: true,
          claims: {
            tokenId: claims.jti,
            taskId: claims.task,
            agentId: claims.agent,
            agents: claims.agents,
            keys: claims.keys,
            epoch: claims.epoch,
            expiresAt: claims.exp * 1000,
          },
        };
      } catch (thrown) {
        const times = timesOf(thrown);
        return {
          ok: false,
          code: errorCodeOf(thrown) === 'foreign-environment' ? 'foreign-environment' : 'unauthenticated',
          ...(times === undefined ? {} : { times }),
        };
      }
    },
  };
}

/** Claims are looked at once the signature was found good, and times after all others. Undefined: it was refused for something else. */
function timesOf(thrown: unknown): TokenTimes | undefined {
  if (!(thrown instanceof errors.JWTExpired || thrown instanceof errors.JWTClaimValidationFailed)) return undefined;
  const { iat, exp } = thrown.payload;
  const isOfTime = thrown.reason === 'check_failed' && (thrown.claim === 'iat' || thrown.claim === 'exp');
  return isOfTime && iat !== undefined && exp !== undefined
    ? { issuedAt: iat * 1_000, expiresAt: exp * 1_000 }
    : undefined;
}
