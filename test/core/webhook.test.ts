import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { checkWebhook, signWebhook, type WebhookHeaders, webhookSecretPattern } from '../../src/core/webhook.ts';

const hmac = (key: string, text: string) =>
  createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64');
const isSame = (one: string, other: string) =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
const secret = randomBytes(32).toString('base64');
const other = randomBytes(32).toString('base64');
const body = JSON.stringify({ type: 'stop', data: { agent: 'billing-bot' } });
const now = 1_800_000_000_000;
const sign = (
  changes: { readonly id?: string; readonly timestamp?: number; readonly secrets?: readonly string[] } = {},
) => signWebhook(hmac, changes.secrets ?? [secret], { id: 'msg_1', timestamp: now / 1_000, body, ...changes });
const check = (headers: WebhookHeaders, secrets: readonly string[] = [secret], text = body, at = now) =>
  checkWebhook({ hmac, isSame }, secrets, headers, text, at);

describe('signed webhooks', () => {
  it('what we sign, the library of the standard takes; what it signs, we take', () => {
    const at = new Date();
    const timestamp = Math.floor(at.getTime() / 1_000);
    const signed = sign({ timestamp, secrets: [other, secret] });
    const headers = {
      'webhook-id': signed.id,
      'webhook-timestamp': signed.timestamp,
      'webhook-signature': signed.signature,
    };
    for (const one of [secret, other])
      expect(new Webhook(`whsec_${one}`).verify(body, headers)).toEqual(JSON.parse(body));
    const theirs = new Webhook(`whsec_${secret}`).sign('msg_2', at, body);
    expect(check({ id: 'msg_2', timestamp: String(timestamp), signature: theirs }, [secret], body, at.getTime())).toBe(
      'genuine',
    );
  });

  it.each([
    ['another body', () => check(sign(), [secret], `${body} `), 'forged'],
    ['another id', () => check({ ...sign(), id: 'msg_2' }), 'forged'],
    ['another time', () => check({ ...sign(), timestamp: String(now / 1_000 + 1) }), 'forged'],
    ['another secret', () => check(sign({ secrets: [other] })), 'forged'],
    ['no secret to check by', () => check(sign(), []), 'forged'],
    ['no signature', () => check({ ...sign(), signature: '' }), 'forged'],
    [
      'a signature of another version',
      () => check({ ...sign(), signature: sign().signature.replace('v1,', 'v1a,') }),
      'forged',
    ],
    ['one of 301 s ago', () => check(sign(), [secret], body, now + 301_000), 'too-old'],
    ['one of 301 s ahead', () => check(sign(), [secret], body, now - 301_000), 'too-new'],
    ['one of 299 s ago', () => check(sign(), [secret], body, now + 299_000), 'genuine'],
    ['one of 299 s ahead', () => check(sign(), [secret], body, now - 299_000), 'genuine'],
    ['an id with a dot, by which its parts could be cut elsewhere', () => check(sign({ id: 'msg.1' })), 'malformed'],
    ['an id with a line break', () => check(sign({ id: 'msg\n1' })), 'malformed'],
    ['a time that is no number', () => check({ ...sign(), timestamp: '1e9' }), 'malformed'],
    ['the older of two secrets', () => check(sign({ secrets: [other] }), [secret, other]), 'genuine'],
  ])('%s', (_what, ask, verdict) => {
    expect(ask()).toBe(verdict);
  });

  it('a secret is base64 of at least 24 bytes, with or without its prefix', () => {
    expect(webhookSecretPattern.exec(`whsec_${secret}`)?.[1]).toBe(secret);
    expect(webhookSecretPattern.exec(secret)?.[1]).toBe(secret);
    for (const poor of ['', 'whsec_', 'whsec_short', 'correct horse battery staple, 32 characters'])
      expect(webhookSecretPattern.test(poor)).toBe(false);
  });
});
