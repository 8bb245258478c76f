import { createHmac } from 'node:crypto';
import { guardedHttp } from '../../connectors/kit/guarded-http.ts';
import type { SecretAt } from '../../contract/config.ts';
import { plainFacts, tell } from '../../contract/notice-words.ts';
import type { WebhookEndpoint } from '../../contract/notifications.ts';
import { EstopError } from '../../core/errors.ts';
import { signWebhook, webhookSecretPattern } from '../../core/webhook.ts';
import type { NoticeRecord } from '../../store/notices.ts';
import type { Answer } from './channel.ts';

const timeoutMs = 10_000;
const answerBytes = 64 * 1024;
const gone = 410;

interface WebhookDeps {
  readonly environment: string;
  readonly consoleUrl: string;
  readonly readSecret: (at: SecretAt) => string;
}

/** The id is that of the notice in every attempt, so that a receiver can tell a repetition; time and signatures are of this attempt. */
export async function sendWebhook(
  deps: WebhookDeps,
  endpoint: WebhookEndpoint,
  notice: NoticeRecord,
  rung: string,
  signal: AbortSignal,
): Promise<Answer> {
  const body = JSON.stringify(payload(deps, notice, rung));
  const secrets = endpoint.secrets.map((at) => keyOf(deps.readSecret(at)));
  const id = rung === '' ? notice.noticeId : `${notice.noticeId}_${rung}`;
  const signed = signWebhook(hmac, secrets, { id, timestamp: Math.floor(Date.now() / 1_000), body });
  const reply = await guardedHttp({
    method: 'POST',
    url: endpoint.url,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'estop',
      'webhook-id': signed.id,
      'webhook-timestamp': signed.timestamp,
      'webhook-signature': signed.signature,
    },
    body,
    network: endpoint.network,
    signal,
    timeoutMs,
    maxBytes: answerBytes,
  });
  if (reply.status >= 200 && reply.status < 300) return { kind: 'delivered', answer: String(reply.status) };
  // The receiver says that it wants nothing more. A redirect is an answer like any other: what we carry was meant for one address.
  if (reply.status === gone) return { kind: 'refused', answer: String(reply.status) };
  return {
    kind: 'failed',
    answer: String(reply.status),
    ...(reply.retryAfterMs === undefined ? {} : { retryAfterMs: reply.retryAfterMs }),
  };
}

function payload({ environment, consoleUrl }: WebhookDeps, notice: NoticeRecord, rung: string): object {
  const { title, lines, about, path } = tell(notice);
  return {
    type: notice.event,
    timestamp: notice.notedAt,
    data: {
      noticeId: notice.noticeId,
      environment,
      subject: notice.subject,
      agents: notice.agents,
      ...(rung === '' ? {} : { escalatedTo: rung }),
      title,
      about,
      lines,
      link: new URL(path, consoleUrl).href,
      facts: plainFacts(notice),
    },
  };
}

/** HMAC-SHA256 under the bytes that the secret is the base64 of. */
const hmac = (key: string, text: string): string =>
  createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64');

function keyOf(secret: string): string {
  const key = webhookSecretPattern.exec(secret.trim())?.[1];
  if (key === undefined)
    throw new EstopError('secret-missing', {
      detail: 'a webhook secret is whsec_ and at least 32 characters of base64',
    });
  return key;
}
