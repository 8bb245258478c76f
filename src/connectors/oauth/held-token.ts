import { z } from 'zod';
import { keptField } from '../../contract/grant-secret.ts';
import type { GrantSecret, LedgerGrant } from '../kit/contract.ts';
import type { RegisteredClient } from './issuer.ts';

/** What one grant consists of: the token that the agent has, and the client it was made by, which the agent never sees. */
export interface HeldToken {
  readonly accessToken: string;
  readonly expiresAt: string;
  readonly client: RegisteredClient;
}

const sealed = z.object({
  accessToken: z.string(),
  expiresAt: z.iso.datetime(),
  [keptField('clientId')]: z.string(),
  [keptField('clientSecret')]: z.string(),
  [keptField('registrationUri')]: z.string(),
  [keptField('registrationToken')]: z.string(),
});

/** Undefined where no reply was ever received. */
export function heldToken(grant: LedgerGrant): HeldToken | undefined {
  const parsed = sealed.safeParse(grant.secret);
  if (!parsed.success) return undefined;
  const fields = parsed.data as Readonly<Record<string, string>>; // every field of the schema is a string
  const kept = (name: string): string => fields[keptField(name)] ?? '';
  return {
    accessToken: fields['accessToken'] ?? '',
    expiresAt: fields['expiresAt'] ?? '',
    client: {
      clientId: kept('clientId'),
      clientSecret: kept('clientSecret'),
      registrationUri: kept('registrationUri'),
      registrationToken: kept('registrationToken'),
    },
  };
}

export function secretOf({ accessToken, expiresAt, client }: HeldToken, resourceUrl: string | undefined): GrantSecret {
  return {
    accessToken,
    expiresAt,
    resourceUrl: resourceUrl ?? null,
    [keptField('clientId')]: client.clientId,
    [keptField('clientSecret')]: client.clientSecret,
    [keptField('registrationUri')]: client.registrationUri,
    [keptField('registrationToken')]: client.registrationToken,
  };
}

export const clientNameOf = (grant: LedgerGrant): string => String(grant.handle['clientName']);

export function scopeOf(grant: LedgerGrant): string | undefined {
  return typeof grant.handle['scope'] === 'string' ? grant.handle['scope'] : undefined;
}

/** A JWS in compact form: whoever has the issuer's public keys accepts it without asking. */
export const isSelfContained = (token: string): boolean => token.split('.').length === 3;

/** What a self-contained token says of its own end, in milliseconds; 0 if it says nothing. The reply that brought it may say less. */
export function ownEndOf(token: string): number {
  if (!isSelfContained(token)) return 0;
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    if (typeof claims !== 'object' || claims === null || !('exp' in claims) || typeof claims.exp !== 'number') return 0;
    return claims.exp * 1_000;
  } catch {
    return 0;
  }
}
