import { createHash, randomBytes } from 'node:crypto';
import type { Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';

const secretPattern = /^[A-Za-z0-9_-]{43}$/;
const proofPattern = /^[A-Za-z0-9_.-]{1,3500}$/;

/** Where pages are served from, and for which environment. */
export interface CookiePlace {
  readonly environment: string;
  readonly controlUrl: string;
}

export const mintSecret = (): string => randomBytes(32).toString('base64url');

/** Secrets have 256 random bits: a plain hash of one leads nobody back to it. */
export const secretHash = (secret: string): Uint8Array => createHash('sha256').update(secret).digest();

const isSecure = ({ controlUrl }: CookiePlace): boolean => new URL(controlUrl).protocol === 'https:';

/** `__Host-`: this host alone can have set it. */
const nameIn = (place: CookiePlace, name: string): string => `${isSecure(place) ? '__Host-' : ''}${name}`;

export function readSecretCookie(context: Context, place: CookiePlace, name: string): string | undefined {
  const value = getCookie(context, nameIn(place, name));
  return value !== undefined && secretPattern.test(value) ? value : undefined;
}

export function readProofCookie(context: Context, place: CookiePlace, name: string): string | undefined {
  const value = getCookie(context, nameIn(place, name));
  return value !== undefined && proofPattern.test(value) ? value : undefined;
}

/** Lax: a link in a message opens the page signed in. What changes anything is a POST, and those are checked by origin. */
export function writeSecretCookie(
  context: Context,
  place: CookiePlace,
  name: string,
  secret: string,
  lifeMs: number,
): void {
  setCookie(context, nameIn(place, name), secret, {
    path: '/',
    httpOnly: true,
    sameSite: 'Lax',
    secure: isSecure(place),
    maxAge: Math.floor(lifeMs / 1_000),
  });
}

export function clearSecretCookie(context: Context, place: CookiePlace, name: string): void {
  writeSecretCookie(context, place, name, '', 0);
}
