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

/**
 * Whose press of which button. Undefined: of nobody who is configured, of another workspace or another channel, or of nothing that we
 * put there. That somebody can see the channel makes nobody anything.
 */
export function readPress(body: string, { buttons, channel }: SlackEndpoint): Press | undefined {
  const payload = payloadOf(body);
  const action = fieldsOf(listOf(payload['actions'])[0]);
  const person = buttons?.people.find(({ userId }) => userId === fieldsOf(payload['user'])['id']);
  const isOurs =
    payload['type'] === 'block_actions' &&
    fieldsOf(payload['team'])['id'] === buttons?.teamId &&
    fieldsOf(payload['channel'])['id'] === channel;
  const decision = decisions[String(action['action_id'])];
  const approvalId = action['value'];
  if (!isOurs || person === undefined || decision === undefined || typeof approvalId !== 'string') return undefined;
  return { person, decision, approvalId };
}

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
