import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';

/** Whom a provider has signed out: one of its sessions, or a person altogether. */
export interface SignedOut {
  readonly issuer: string;
  readonly subject?: string;
  readonly issuerSid?: string;
}

const event = 'http://schemas.openid.net/event/backchannel-logout';

/**
 * OpenID Connect Back-Channel Logout 1.0. Strict about what tells such a token from one that signs somebody in. Shown twice it ends
 * what has ended, so nothing is remembered of it.
 */
export async function readLogoutToken(
  token: string,
  keys: unknown,
  issuer: string,
  clientId: string,
): Promise<SignedOut | undefined> {
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys as JSONWebKeySet), {
      issuer,
      audience: clientId,
      algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      maxTokenAge: 300,
      clockTolerance: 60,
      requiredClaims: ['iat', 'jti', 'events'],
    }); // createLocalJWKSet looks at the shape of the keys
    const { events, nonce, sub, sid } = payload;
    const isLogout = typeof events === 'object' && events !== null && event in events && nonce === undefined;
    if (!isLogout || (sub === undefined && typeof sid !== 'string')) return undefined;
    return {
      issuer,
      ...(sub === undefined ? {} : { subject: sub }),
      ...(typeof sid === 'string' ? { issuerSid: sid } : {}),
    };
  } catch {
    return undefined; // whatever it is, the provider did not say it
  }
}
