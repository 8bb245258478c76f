import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { SecretAt } from '../../contract/config.ts';
import type { TriggerSpec } from '../../contract/triggers.ts';
import { checkWebhook, type WebhookVerdict, webhookSecretPattern } from '../../core/webhook.ts';

export interface SentAlert {
  readonly header: (name: string) => string | undefined;
  /** The body as it came: what was signed. */
  readonly text: string;
}

export type SenderVerdict = WebhookVerdict | 'unknown';

/** Who may send to a trigger: whoever signed with one of its secrets, or shows its bearer. Nothing of a person counts here. */
export function checkSender(
  trigger: TriggerSpec | undefined,
  { header, text }: SentAlert,
  readSecret: (at: SecretAt) => string,
  nowMs: number,
): SenderVerdict {
  // One that follows the ledger has neither secret nor bearer: nobody is known to it.
  if (trigger === undefined) return 'unknown';
  if (trigger.bearer !== undefined) {
    const shown = /^Bearer (\S{1,4096})$/.exec(header('authorization') ?? '')?.[1];
    const expected = readSecret(trigger.bearer).trim();
    return shown !== undefined && expected.length >= leastBearer && isSame(shown, expected) ? 'genuine' : 'forged';
  }
  const unread: unknown[] = [];
  const secrets = trigger.secrets.flatMap((at) => {
    try {
      return webhookSecretPattern.exec(readSecret(at).trim())?.[1] ?? [];
    } catch (thrown) {
      unread.push(thrown); // one that is gone takes nothing from what the others sign
      return [];
    }
  });
  const headers = {
    id: header('webhook-id') ?? '',
    timestamp: header('webhook-timestamp') ?? '',
    signature: header('webhook-signature') ?? '',
  };
  const verdict = checkWebhook({ hmac, isSame }, secrets, headers, text, nowMs);
  // It may have been signed with the one that cannot be read: no refusal, but a reason to send it again.
  if (verdict === 'forged' && unread.length > 0) throw unread[0];
  return verdict;
}

/** A shorter one could be guessed. */
const leastBearer = 16;

const hmac = (key: string, text: string): string =>
  createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64');

/** In the same time whatever the two are: of their digests, which are of one length. */
const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
