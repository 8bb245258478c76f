import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { EstopError } from '../../src/core/errors.ts';
import { startStopServer } from '../../src/stop/server.ts';
import { type ControlRig, field } from './rig.ts';
import { bearer, firing, makeTriggerRig, older, readSecret, secret, type TriggerRig } from './trigger-rig.ts';

describe('alerts of others', () => {
  let made: TriggerRig;
  let rig: ControlRig;
  beforeAll(async () => {
    made = await makeTriggerRig();
    rig = made.rig;
  });
  const firings = () => made.firings();
  const signed: TriggerRig['signed'] = (...asked) => made.signed(...asked);
  const send: TriggerRig['send'] = (...asked) => made.send(...asked);
  const over = (agent: string, more: object = {}) => ({ type: 'spend.over', data: { agent, ...more } });

  it('a signed alert asks for a stop of the agent it names, with the terms of its rule', async () => {
    const answer = await send(over('billing-bot', { scope: 'fleet', reason: 'ignore all rules' }));
    expect(answer.status).toBe(202);
    const stopId = field(answer.body, 'alerts', 0, 'stopId');
    expect(answer.body).toEqual({
      alerts: [{ alertId: expect.any(String), outcome: 'stop', fresh: true, scopeKey: 'agent:billing-bot', stopId }],
    });
    const [row] = (await firings()).slice(-1);
    expect(row).toMatchObject({ scope_key: 'agent:billing-bot', category: 1, grace_ms: 5_000, stop_id: stopId });
  });

  it('sent again under its id it is the same stop, also with another body, and a thousand at once are one', async () => {
    const before = (await firings()).length;
    const id = 'msg_repeated';
    const first = await send(over('billing-bot'), { id });
    const others = await Promise.all([
      ...Array.from({ length: 20 }, () => send(over('billing-bot'), { id })),
      send(over('mail-bot'), { id, by: older }),
    ]);
    for (const other of others) {
      expect(field(other.body, 'alerts', 0, 'stopId')).toBe(field(first.body, 'alerts', 0, 'stopId'));
      expect(field(other.body, 'alerts', 0, 'fresh')).toBe(false);
    }
    expect((await firings()).length).toBe(before + 1);
  });

  it('200 stops in a row are all taken: there is no limit on stops', async () => {
    const before = (await firings()).length;
    const answers = await Promise.all(Array.from({ length: 200 }, () => send(over('mail-bot'))));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(200);
    expect((await firings()).length).toBe(before + 200);
  });

  it('an alert that holds holds the agent as a breaker does, and is listed and reset as one', async () => {
    const answer = await send({ type: 'spend.warning', data: { agent: { id: 'mail-bot' } } });
    expect(field(answer.body, 'alerts', 0, 'outcome')).toBe('hold');
    const listed = await rig.call('GET', '/v1/breakers?agent=mail-bot', { as: 'viewer' });
    expect(field(listed.body, 'items', 0)).toMatchObject({ breaker: 'trigger', action: 'hold' });
    const reset = await rig.call('POST', '/v1/agents/mail-bot:reset-breaker', {
      as: 'operator',
      body: { breaker: 'trigger', reason: 'looked at it' },
    });
    expect(reset.body).toMatchObject({ outcome: 'reset' });
  });

  const tampered = (change: (headers: Record<string, string>, body: string) => string | undefined) => async () => {
    const body = JSON.stringify(over('billing-bot'));
    const headers: Record<string, string> = { ...signed(body) };
    const raw = change(headers, body) ?? body;
    return rig.call('POST', '/v1/triggers/spend', { raw, headers });
  };
  const minutes = (n: number) => new Date(Date.now() + n * 60_000);
  it.each([
    ['another body', tampered((_headers, body) => body.replace('billing-bot', 'mail-bot'))],
    ['another id', tampered((headers) => void (headers['webhook-id'] = 'msg_other'))],
    ['no signature', tampered((headers) => void delete headers['webhook-signature'])],
    ['no id', tampered((headers) => void delete headers['webhook-id'])],
    ['no time', tampered((headers) => void delete headers['webhook-timestamp'])],
    ['one of six minutes ago', () => send(over('billing-bot'), { at: minutes(-6) })],
    ['one of six minutes ahead', () => send(over('billing-bot'), { at: minutes(6) })],
    [
      'the secret of somebody else',
      () => send(over('billing-bot'), { by: `whsec_${randomBytes(32).toString('base64')}` }),
    ],
    ['a trigger that there is not', () => send(over('billing-bot'), {}, 'nothing')],
    ['a trigger that nobody may send to', () => send({ type: 'budget.ended', data: {} }, {}, 'inside')],
    ['the token of an admin', () => rig.call('POST', '/v1/triggers/spend', { as: 'admin', body: over('billing-bot') })],
    [
      'a bearer that is too short to be one',
      () => rig.call('POST', '/v1/triggers/weak', { as: 'short', body: { version: '4', alerts: [] } }),
    ],
  ])('%s fires nothing, and learns nothing', async (_what, ask) => {
    const before = (await firings()).length;
    const answer = await ask();
    expect(answer.status).toBe(401);
    expect(field(answer.body, 'code')).toBe('unauthenticated');
    expect((await firings()).length).toBe(before);
  });

  it('who sends what nobody signed stands in the audit, counted: a flood of it is a line, and keeps no stop waiting', async () => {
    await rig.ledger.sql('DELETE FROM estop.refused_attempts');
    const written: { readonly subject: string; readonly times: number }[][] = [];
    const counting = rig.withDeps({
      store: new Proxy(rig.deps.store, {
        get: (pool, key) => {
          const held: unknown = Reflect.get(pool, key, pool);
          if (key !== 'query' || typeof held !== 'function') return held;
          return (...sent: unknown[]): unknown => {
            const { name, values } = sent[0] as { readonly name?: string; readonly values: readonly string[] }; // of `call`, or looked at no further
            if (name === 'estop_note_refused_attempts') written.push(JSON.parse(values[0] ?? '[]'));
            return held.apply(pool, sent);
          };
        },
      }),
    });
    const raw = JSON.stringify(over('billing-bot'));
    const forged = (name: string, index = 0) => {
      const headers = { ...signed(raw), 'webhook-signature': `v1,${'A'.repeat(43)}=` };
      return counting.call('POST', `/v1/triggers/${name}`, {
        raw,
        headers: { ...headers, 'x-forwarded-for': `10.1.2.${index}` },
      });
    };
    const minuteNow = (): number => Math.floor(Date.now() / 60_000);
    const begun = minuteNow();
    await Promise.all(Array.from({ length: 300 }, (_, index) => forged('spend', index)));
    await Promise.all(Array.from({ length: 100 }, (_, index) => forged(`guessed-${index}`)));
    expect((await counting.call('POST', '/v1/triggers/spend', { raw, headers: signed(raw) })).status).toBe(202);
    const seen = async () => {
      const { body } = await rig.call('GET', '/v1/audit?kind=attempt.&limit=200', { as: 'viewer' });
      const items = field(body, 'items') as readonly { subject: string; detail: { because: string } }[];
      return items.filter(
        ({ subject, detail }) =>
          subject === 'trigger:unknown' || (subject === 'trigger:spend' && detail.because === 'forged'),
      );
    };
    const timesOf = (subject: string): number =>
      written.flat().reduce((sum, one) => sum + (one.subject === subject ? one.times : 0), 0);
    await expect.poll(() => timesOf('trigger:spend') + timesOf('trigger:unknown'), { timeout: 20_000 }).toBe(400);
    expect(timesOf('trigger:unknown')).toBe(100);
    await expect.poll(async () => (await seen()).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(2);
    // One a minute of each, and minutes may have ended in between.
    expect((await seen()).length).toBeLessThanOrEqual(2 * (minuteNow() - begun + 1));
    expect(written.length).toBeLessThanOrEqual(10);
    const said = { actor: 'unknown', method: 'trigger', reason: null, before: null, after: null };
    expect(await seen()).toContainEqual(expect.objectContaining({ subject: 'trigger:spend', ...said }));
    expect(await rig.ledger.sql("SELECT 1 FROM estop.audit WHERE kind = 'attempt.refused'")).toEqual([]);
  });

  it('a genuine alert that names nobody we know fires nothing, says so, and a person is told', async () => {
    const before = (await firings()).length;
    const answer = await send(over('someone-else'));
    expect(answer.status).toBe(422);
    expect(field(answer.body, 'alerts', 0, 'outcome')).toBe('refused');
    expect((await firings()).length).toBe(before);
    const told = await rig.ledger.sql("SELECT 1 FROM estop.notices WHERE event = 'trigger.refused' AND quiet IS NULL");
    expect(told.length).toBeGreaterThan(0);
  });

  it('an alert that no rule is about fires nothing', async () => {
    const answer = await send({ type: 'spend.fine', data: { agent: 'billing-bot' } });
    expect(answer.body).toMatchObject({ alerts: [{ outcome: 'ignored' }] });
  });

  it('while the store is away it is not taken for done: the sender is told to send again', async () => {
    const away = rig.withDeps({
      store: { query: async () => Promise.reject(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' })) } as never, // all that is asked of it here
    });
    const raw = JSON.stringify(over('billing-bot'));
    const answer = await away.call('POST', '/v1/triggers/spend', { raw, headers: signed(raw) });
    expect(answer.status).toBe(503);
  });

  it('with a token for it, a stop goes to the stop process while the store is away; sent again later it is the same stop', async () => {
    const stopProcess = await startStopServer({
      environment: 'test',
      host: '127.0.0.1',
      port: 0,
      databaseUrl: rig.ledger.urls.estop_stop,
      temporalAddress: '127.0.0.1:1',
      authenticator: {
        authenticate: (header) =>
          header === `Bearer ${bearer}`
            ? { ok: true, identity: { actor: 'outage', roles: ['operator'] } }
            : { ok: false, code: 'unauthenticated' },
      },
      log: rig.deps.log,
    });
    let asked = 0;
    try {
      const config = rig.deps.config.current();
      const withToken = (config.triggers ?? []).map((one) => ({ ...one, outageToken: { env: 'BEARER' } }));
      const away = rig.withDeps({
        stopUrl: stopProcess.url,
        config: { current: () => ({ ...config, triggers: withToken }) },
        store: {
          query: async () => {
            asked += 1;
            throw Object.assign(new Error('gone'), { code: 'ECONNREFUSED' });
          },
        } as never, // all that is asked of it here
      });
      const raw = JSON.stringify(over('billing-bot'));
      const headers = signed(raw, { id: 'msg_outage' });
      const answer = await away.call('POST', '/v1/triggers/spend', { raw, headers });
      expect(answer.status).toBe(202);
      const stopId = String(field(answer.body, 'alerts', 0, 'stopId'));
      const [row] = await rig.ledger.sql(
        'SELECT scope_key, actor, method, category, grace_ms FROM estop.stops WHERE stop_id = $1',
        [stopId],
      );
      const terms = { category: 1, grace_ms: 5_000 };
      expect(row).toMatchObject({ scope_key: 'agent:billing-bot', actor: 'outage', method: 'trigger', ...terms });
      const later = await rig.call('POST', '/v1/triggers/spend', { raw, headers });
      expect(field(later.body, 'alerts', 0, 'stopId')).toBe(stopId);
      const hold = JSON.stringify({ type: 'spend.warning', data: { agent: { id: 'mail-bot' } } });
      expect((await away.call('POST', '/v1/triggers/spend', { raw: hold, headers: signed(hold) })).status).toBe(503);
      // One that has to wait for the store holds up none that has not.
      const since = '2026-01-02T00:00:00.000Z';
      const alerts = ['nobody', 'mail-bot', 'no-one'].map((agent, n) => firing(agent, since, { fingerprint: `${n}` }));
      const mixed = { version: '4', alerts };
      const raws = { raw: JSON.stringify(mixed), headers: { authorization: `Bearer ${bearer}` } };
      const half = await away.call('POST', '/v1/triggers/alerts', raws);
      // What was done, and what has to come again, each by itself.
      expect([half.status, half.body]).toEqual([
        503,
        {
          alerts: [
            { alertId: expect.any(String), outcome: 'failed', code: 'store-unavailable' },
            expect.objectContaining({ outcome: 'stop', scopeKey: 'agent:mail-bot' }),
            { alertId: expect.any(String), outcome: 'failed', code: 'store-unavailable' },
          ],
        },
      ]);
      const stops = await rig.ledger.sql("SELECT actor FROM estop.stops WHERE scope_key = 'agent:mail-bot'");
      expect(stops).toMatchObject([{ actor: 'outage' }]);
      // Nor does the last of many wait for a store for which those before it have waited.
      asked = 0;
      const many = Array.from({ length: 80 }, (_, n) => firing('mail-bot', since, { fingerprint: `many-${n}` }));
      const idle = { ...firing('mail-bot', since), labels: { severity: 'info', agent: 'mail-bot' } };
      const whole = { ...raws, raw: JSON.stringify({ version: '4', alerts: [...many, idle] }) };
      expect((await away.call('POST', '/v1/triggers/alerts', whole)).status).toBe(202);
      expect(asked).toBeLessThanOrEqual(16);
      const all = await rig.ledger.sql("SELECT 1 FROM estop.stops WHERE scope_key = 'agent:mail-bot'");
      expect(all).toHaveLength(81);
    } finally {
      await stopProcess.close();
    }
  });

  it('while one of its secrets cannot be read, what the other has signed still stops', async () => {
    const raw = JSON.stringify(over('billing-bot'));
    const half = rig.withDeps({
      readSecret: ({ env = '' }) => {
        if (env === 'NEW') throw new EstopError('secret-missing');
        return readSecret({ env });
      },
    });
    const answer = await half.call('POST', '/v1/triggers/spend', { raw, headers: signed(raw, { by: older }) });
    expect(answer.status).toBe(202);
    // Not a refusal: it may be genuine, and comes again.
    const unread = await half.call('POST', '/v1/triggers/spend', { raw, headers: signed(raw, { by: secret }) });
    expect(unread.status).toBe(500);
  });

  it('without a way to read secrets nothing is taken', async () => {
    const raw = JSON.stringify(over('billing-bot'));
    const answer = await rig
      .withDeps({ readSecret: () => '' })
      .call('POST', '/v1/triggers/spend', { raw, headers: signed(raw) });
    expect(answer.status).toBe(401);
  });
});
