/**
 * Signed webhooks as https://www.standardwebhooks.com describes them, without any cryptography of its own: whoever signs or checks
 * hands in an HMAC-SHA256 and a comparison that takes the same time whatever it compares.
 */
export type Hmac = (secret: string, text: string) => string;

/** Base64 after `whsec_`, as other parties write a secret down. */
export const webhookSecretPattern = /^(?:whsec_)?([A-Za-z0-9+/]{32,}={0,2})$/;

export interface WebhookHeaders {
  readonly id: string;
  /** Seconds since 1970. */
  readonly timestamp: string;
  readonly signature: string;
}

/** Both ways: a clock that is fast replays as well as one that is slow. */
export const webhookToleranceMs = 5 * 60_000;

/** A dot would let the parts of what is signed be cut in another place. */
const idPattern = /^[\x21-\x2d\x2f-\x7e]{1,256}$/;

/** One signature for each secret, the newest first, so that a receiver may hold the old one or the new one. */
export function signWebhook(
  hmac: Hmac,
  secrets: readonly string[],
  { id, timestamp, body }: { readonly id: string; readonly timestamp: number; readonly body: string },
): WebhookHeaders {
  const text = `${id}.${timestamp}.${body}`;
  return {
    id,
    timestamp: String(timestamp),
    signature: secrets.map((secret) => `v1,${hmac(secret, text)}`).join(' '),
  };
}

export type WebhookVerdict = 'genuine' | 'malformed' | 'too-old' | 'too-new' | 'forged';

export function checkWebhook(
  tools: { readonly hmac: Hmac; readonly isSame: (one: string, other: string) => boolean },
  secrets: readonly string[],
  { id, timestamp, signature }: WebhookHeaders,
  body: string,
  nowMs: number,
): WebhookVerdict {
  if (!idPattern.test(id) || !/^\d{1,12}$/.test(timestamp) || signature.length > 4_096) return 'malformed';
  const given = signature.split(' ').flatMap((one) => (one.startsWith('v1,') ? [one.slice(3)] : []));
  const expected = secrets.map((secret) => tools.hmac(secret, `${id}.${timestamp}.${body}`));
  // All of them are compared: which one fits is nobody's business.
  const fits = expected.map((one) => given.slice(0, 16).map((other) => tools.isSame(one, other)));
  if (!fits.flat().includes(true)) return 'forged';
  const ageMs = nowMs - Number(timestamp) * 1_000;
  if (ageMs > webhookToleranceMs) return 'too-old';
  return ageMs < -webhookToleranceMs ? 'too-new' : 'genuine';
}
