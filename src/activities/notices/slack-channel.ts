import { randomUUID } from 'node:crypto';
import { guardedHttp, jsonOf } from '../../connectors/kit/guarded-http.ts';
import type { SecretAt } from '../../contract/config.ts';
import { tell } from '../../contract/notice-words.ts';
import type { SlackEndpoint } from '../../contract/notifications.ts';
import { type CardKey, claimCard, listNotices, type NoticeRecord, noteCard } from '../../store/notices.ts';
import type { Store } from '../../store/pool.ts';
import { asText, type Card, drawCard } from './card.ts';
import type { Answer } from './channel.ts';

interface SlackDeps {
  readonly store: Store;
  readonly environment: string;
  readonly consoleUrl: string;
  readonly readSecret: (at: SecretAt) => string;
}

const timeoutMs = 8_000;
/** Longer than one change of a message can take. */
const holdMs = 3 * timeoutMs + 5_000;
const busyMs = 1_000;
const answerBytes = 512 * 1024;
const cardEvent = 'estop_card';

/**
 * One message for each subject, changed in place. It is drawn while it is held, from all that is known then, so that two notices at the
 * same time never leave the older state on top. Somebody else to be called by it gets a reply below it, because a change is not heard.
 */
export async function sendToSlack(
  deps: SlackDeps,
  endpoint: SlackEndpoint,
  notice: NoticeRecord,
  rung: string,
  signal: AbortSignal,
): Promise<Answer> {
  const card: CardKey = { endpoint: endpoint.endpointId, subject: notice.subject, claimer: randomUUID() };
  const claimed = await claimCard(deps.store, card, holdMs);
  if (claimed.kind === 'busy') return { kind: 'failed', answer: 'another change is under way', retryAfterMs: busyMs };
  const slack = slackOf(deps, endpoint, signal);
  try {
    const known = claimed.message ?? (claimed.mayExist ? await slack.find(notice.subject) : undefined);
    const notices = (await listNotices(deps.store, { subject: notice.subject, limit: 200 })).toReversed();
    const drawn = drawCard(notices, { ...deps, hasButtons: endpoint.buttons !== undefined });
    const message = await slack.put(known, notice.subject, drawn);
    await noteCard(deps.store, card, message);
    if (rung !== '') await slack.reply(message, asText(`${tell(notice).title}: calling ${rung}`));
    return { kind: 'delivered', answer: message };
  } catch (thrown) {
    // What was sent may have arrived: the claim is left to run out, and whoever is next looks for a message first.
    if (thrown instanceof SlackRefusal) {
      await noteCard(deps.store, card);
      return {
        kind: 'failed',
        answer: thrown.code,
        ...(thrown.retryAfterMs === undefined ? {} : { retryAfterMs: thrown.retryAfterMs }),
      };
    }
    throw thrown;
  }
}

/** It answered, and did not do it. */
class SlackRefusal extends Error {
  readonly code: string;
  readonly retryAfterMs: number | undefined;
  constructor(code: string, retryAfterMs?: number) {
    super(`the chat refused: ${code}`);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

function slackOf({ readSecret }: SlackDeps, { baseUrl, channel, network, token }: SlackEndpoint, signal: AbortSignal) {
  const call = async (method: string, body: object | URLSearchParams): Promise<Readonly<Record<string, unknown>>> => {
    const reply = await guardedHttp({
      method: 'POST',
      url: `${baseUrl.replace(/\/$/, '')}/${method}`,
      headers: {
        authorization: `Bearer ${readSecret(token)}`,
        ...(body instanceof URLSearchParams ? {} : { 'content-type': 'application/json; charset=utf-8' }),
      },
      body: body instanceof URLSearchParams ? body : JSON.stringify(body),
      network,
      signal,
      timeoutMs,
      maxBytes: answerBytes,
    });
    if (reply.status !== 200) throw new SlackRefusal(String(reply.status), reply.retryAfterMs);
    const answer = jsonOf(reply);
    const fields = (typeof answer === 'object' && answer !== null ? answer : {}) as Readonly<Record<string, unknown>>; // each member is looked at before it is believed
    if (fields['ok'] !== true) throw new SlackRefusal(codeOf(fields['error']));
    return fields;
  };
  const post = async (body: object): Promise<string> => {
    const { ts } = await call('chat.postMessage', { channel, unfurl_links: false, ...body });
    if (typeof ts !== 'string') throw new SlackRefusal('no-ts');
    return ts;
  };
  return {
    put: async (message: string | undefined, subject: string, card: Card): Promise<string> => {
      const body = { ...card, metadata: { event_type: cardEvent, event_payload: { subject } } };
      if (message === undefined) return post(body);
      try {
        await call('chat.update', { channel, ts: message, ...body });
        return message;
      } catch (thrown) {
        // Somebody deleted it.
        if (thrown instanceof SlackRefusal && thrown.code === 'message_not_found') return post(body);
        throw thrown;
      }
    },
    reply: (message: string, text: string) => post({ thread_ts: message, reply_broadcast: true, text }),
    /** The card that somebody posted and did not live to write down. Two cards are better than none, so a chat that will not say is no obstacle. */
    find: async (subject: string): Promise<string | undefined> => {
      try {
        const query = new URLSearchParams({ channel, limit: '100', include_all_metadata: 'true' });
        const { messages } = await call('conversations.history', query);
        return (Array.isArray(messages) ? messages : [])
          .map((one) => cardOf(one, subject))
          .find((ts) => ts !== undefined);
      } catch (thrown) {
        if (thrown instanceof SlackRefusal) return undefined;
        throw thrown;
      }
    },
  };
}

/** A code of theirs: a short word, or nothing that we repeat. */
const codeOf = (error: unknown): string =>
  typeof error === 'string' && /^[a-z_]{1,60}$/.test(error) ? error : 'unknown-error';

function cardOf(message: unknown, subject: string): string | undefined {
  if (typeof message !== 'object' || message === null || !('ts' in message) || typeof message.ts !== 'string')
    return undefined;
  const metadata = 'metadata' in message ? message.metadata : undefined;
  if (
    typeof metadata !== 'object' ||
    metadata === null ||
    !('event_type' in metadata) ||
    !('event_payload' in metadata)
  )
    return undefined;
  const payload = metadata.event_payload;
  const isOurs = metadata.event_type === cardEvent && typeof payload === 'object' && payload !== null;
  return isOurs && 'subject' in payload && payload.subject === subject ? message.ts : undefined;
}
