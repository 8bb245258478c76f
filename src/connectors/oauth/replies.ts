import { z } from 'zod';
import { EstopError } from '../../core/errors.ts';
import { type HttpReply, jsonOf } from '../kit/guarded-http.ts';

const tokenReply = z.object({
  access_token: z.string().min(1),
  expires_in: z.number().positive(),
  token_type: z.string(),
});

export interface MintedToken {
  readonly accessToken: string;
  readonly expiresInMs: number;
}

export function tokenIn(reply: HttpReply): MintedToken {
  const made = parse(tokenReply, mustBe(reply, 200, 'Minting a token'));
  if (made.token_type.toLowerCase() !== 'bearer') {
    throw new EstopError('connector-garbage', { detail: 'The token is not a bearer token.' });
  }
  return { accessToken: made.access_token, expiresInMs: made.expires_in * 1_000 };
}

/** RFC 6749 section 5.2. Undefined where the body is no OAuth error: then nothing may be concluded from the status. */
export function oauthErrorOf(reply: HttpReply): string | undefined {
  try {
    const body = jsonOf(reply);
    if (typeof body !== 'object' || body === null || !('error' in body) || typeof body.error !== 'string')
      return undefined;
    // It goes into sentences of ours, so it must be one of the codes of the standards by its looks.
    return /^[a-z_]{1,50}$/.test(body.error) ? body.error : undefined;
  } catch {
    return undefined;
  }
}

export function mustBe(reply: HttpReply, status: number, what: string): unknown {
  if (reply.status === status) return jsonOf(reply);
  const detail = `${what}: answered ${reply.status}.`;
  if (reply.status === 401 || reply.status === 403) throw new EstopError('connector-refused', { detail });
  const error = oauthErrorOf(reply);
  if (reply.status === 400 && error !== undefined) {
    // The issuer understood and will not do it: asking again changes nothing, the configuration does.
    throw new EstopError('config-invalid', { detail: `${what}: the issuer refuses what is asked for (${error}).` });
  }
  const code = reply.status === 429 || reply.status >= 500 ? 'connector-unavailable' : 'connector-garbage';
  throw new EstopError(code, {
    detail,
    ...(reply.retryAfterMs === undefined ? {} : { retryAfterMs: reply.retryAfterMs }),
  });
}

export function parse<Value>(schema: z.ZodType<Value>, value: unknown): Value {
  const result = schema.safeParse(value);
  // The issues are left out: they may quote a token.
  if (!result.success)
    throw new EstopError('connector-garbage', { detail: 'An answer lacks what the standard requires.' });
  return result.data;
}
