import type { JWTPayload, JWTVerifyOptions } from 'jose';
import { toleranceSeconds } from './clock-tolerance.ts';

/** Whom a provider has signed out: one of its sessions, or a person altogether. */
export interface SignedOut {
  readonly issuer: string;
  readonly subject?: string;
  readonly issuerSid?: string;
  /** The name of this word of the provider: said again, it ends nothing that began since. */
  readonly tokenId: string;
}

const event = 'http://schemas.openid.net/event/backchannel-logout';
/** Older ones are not taken, and younger ones are remembered. */
export const logoutTokenLifeMs = 300_000;
export const logoutMemoryMs = logoutTokenLifeMs + 2 * toleranceSeconds * 1_000;

export const logoutTokenTerms = (issuer: string, clientId: string): JWTVerifyOptions => ({
  issuer,
  audience: clientId,
  algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
  maxTokenAge: logoutTokenLifeMs / 1_000,
  clockTolerance: toleranceSeconds,
  requiredClaims: ['iat', 'jti', 'events'],
});

/** OpenID Connect Back-Channel Logout 1.0, of what a signature has proved. Strict about what tells it from a token that signs somebody in. */
export function readLogout(issuer: string, { events, nonce, sub, sid, jti }: JWTPayload): SignedOut | undefined {
  const isLogout = typeof events === 'object' && events !== null && event in events && nonce === undefined;
  if (!isLogout || typeof jti !== 'string' || (sub === undefined && typeof sid !== 'string')) return undefined;
  return {
    issuer,
    tokenId: jti,
    ...(sub === undefined ? {} : { subject: sub }),
    ...(typeof sid === 'string' ? { issuerSid: sid } : {}),
  };
}
