import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ChatPerson, SlackEndpoint } from '../../contract/notifications.ts';

/** Both ways. Slack's own libraries refuse what is older alone, and remember nothing of what they have taken. */
const toleranceMs = 5 * 60_000;

export interface SignedForm {
  readonly timestamp: string;
  readonly signature: string;
  readonly body: string;
}

/** Signed by that secret, just now. */
export function isFromSlack(secret: string, { timestamp, signature, body }: SignedForm, nowMs: number): boolean {
  if (secret.length < leastSecret || !/^\d{1,12}$/.test(timestamp) || !/^v0=[0-9a-f]{64}$/.test(signature))
    return false;
  if (Math.abs(nowMs - Number(timestamp) * 1_000) > toleranceMs) return false;
  const expected = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex');
  return timingSafeEqual(Buffer.from(expected), Buffer.from(signature.slice('v0='.length)));
}

const leastSecret = 16;

export interface Press {
  readonly person: ChatPerson;
  readonly decision: 'approved' | 'denied';
  readonly approvalId: string;
}

/** What was pressed is nothing of ours, or by nobody of ours; who it was is what Slack calls them. */
export interface StrangePress {
  readonly refused: 'no-press' | 'other-workspace' | 'other-channel' | 'unknown-user' | 'unknown-button';
  readonly by: string;
}

/**
 * Whose press of which button. Strange: of nobody who is configured, of another workspace or another channel, or of nothing that we
 * put there. That somebody can see the channel makes nobody anything.
 */
export function readPress(body: string, { buttons, channel }: SlackEndpoint): Press | StrangePress {
  const payload = payloadOf(body);
  const action = fieldsOf(listOf(payload['actions'])[0]);
  const [team, user] = [fieldsOf(payload['team'])['id'], fieldsOf(payload['user'])['id']];
  const by = `${idOf(team)}/${idOf(user)}`;
  if (payload['type'] !== 'block_actions') return { refused: 'no-press', by };
  if (team !== buttons?.teamId) return { refused: 'other-workspace', by };
  if (fieldsOf(payload['channel'])['id'] !== channel) return { refused: 'other-channel', by };
  const person = buttons?.people.find(({ userId }) => userId === user);
  if (person === undefined) return { refused: 'unknown-user', by };
  const decision = decisions[String(action['action_id'])];
  const approvalId = action['value'];
  if (decision === undefined || typeof approvalId !== 'string') return { refused: 'unknown-button', by };
  return { person, decision, approvalId };
}

/** As Slack writes them; nothing else is repeated. */
const idOf = (value: unknown): string => (typeof value === 'string' && /^[A-Z0-9]{1,30}$/.test(value) ? value : '?');

const decisions: Readonly<Record<string, Press['decision'] | undefined>> = Object.assign(Object.create(null), {
  approve: 'approved',
  deny: 'denied',
}) as Record<string, Press['decision'] | undefined>; // made two lines up, without what every object has

function payloadOf(body: string): Readonly<Record<string, unknown>> {
  try {
    return fieldsOf(JSON.parse(new URLSearchParams(body).get('payload') ?? 'null'));
  } catch {
    return {};
  }
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}; // each member is looked at before it is believed
