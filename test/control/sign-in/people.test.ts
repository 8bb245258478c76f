import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { noteNews } from '../../../src/store/notices.ts';
import { agentSpec, fence, newId, stop } from '../../store/ledger.ts';
import { field, makeControl, tokensSeen } from '../rig.ts';
import { origin, type PeopleRig, peopleRig } from './people.ts';

describe('people and where they are signed in', () => {
  let people: PeopleRig;
  beforeAll(async () => {
    people = peopleRig(await makeControl(), {
      roles: [
        { role: 'admin', people: ['ada@example.org'], groups: [] },
        { role: 'admin', people: ['bea@example.org'], groups: [], labels: { team: 'mail' } },
        { role: 'viewer', people: [], groups: ['staff'] },
      ],
    });
  });
  const status = async (cookie: string) => (await people.as(cookie, 'GET', '/v1/tasks')).status;

  it('a person who is disabled is out at once, and does not come back by signing in', async () => {
    const [ada, vic] = [await people.signIn('ada@example.org'), await people.signIn('vic@example.org', ['staff'])];
    expect(await status(vic)).toBe(200);
    const id = await people.personId('vic@example.org');
    expect((await people.as(ada, 'POST', `/v1/people/${id}:disable`)).status).toBe(200);
    expect(await status(vic)).toBe(401);
    await expect(people.signIn('vic@example.org', ['staff'])).rejects.toThrow('disabled');
    expect((await people.as(ada, 'POST', `/v1/people/${id}:enable`)).status).toBe(200);
    expect(await status(vic)).toBe(401);
    expect(await status(await people.signIn('vic@example.org', ['staff']))).toBe(200);
  });

  it('an open stream ends within seconds when its reader is disabled, signed out from elsewhere or without the role', async () => {
    const ada = await people.signIn('ada@example.org');
    const all = people.rig.deps.config.current().signIn?.roles ?? [];
    people.edit({ roles: [...all, { role: 'viewer', people: [], groups: ['guests'] }] });
    const ends: Readonly<Record<string, (name: string, cookie: string) => Promise<unknown>>> = {
      'disabled': async (name) => people.as(ada, 'POST', `/v1/people/${await people.personId(name)}:disable`),
      'signed out': async (_name, cookie) => {
        const mine = await people.as(cookie, 'GET', '/v1/sign-ins');
        await people.as(cookie, 'POST', `/v1/sign-ins/${String(field(mine.body, 'items', 0, 'signInId'))}:end`);
      },
      'without the role': async () => people.edit({ roles: all }),
    };
    const patience = new AbortController();
    const streams = await Promise.all(
      Object.keys(ends).map(async (how) => {
        const name = `sue-${how.replace(/ .*/, '')}@example.org`;
        const cookie = await people.signIn(name, how === 'without the role' ? ['guests'] : ['staff']);
        const response = await people.rig.app.request('/v1/events', { headers: { host: 'localhost', cookie } });
        expect(response.status).toBe(200);
        return { how, name, cookie, response };
      }),
    );
    for (const { how, name, cookie } of streams) await ends[how]?.(name, cookie);
    const late = sleep(12_000, 'still open', { signal: patience.signal }).catch(() => 'over');
    const seen = await Promise.all(
      streams.map(({ response }) => Promise.race([response.text().then((text) => text.includes('event: bye')), late])),
    );
    patience.abort();
    expect(seen).toEqual([false, false, false]);
  });

  it('everybody sees and ends their own sign-ins; an admin everybody’s, one who is bounded by labels nobody’s', async () => {
    const [ada, bea] = [await people.signIn('ada@example.org'), await people.signIn('bea@example.org')];
    const [zoe, other] = [
      await people.signIn('zoe@example.org', ['staff']),
      await people.signIn('zoe@example.org', ['staff']),
    ];
    const list = await people.as(zoe, 'GET', '/v1/sign-ins');
    const items = field(list.body, 'items') as { signInId: string; isThis: boolean }[];
    expect([items.length, items.filter(({ isThis }) => isThis).length]).toEqual([2, 1]);
    const otherId = items.find(({ isThis }) => !isThis)?.signInId ?? '';
    expect((await people.as(bea, 'GET', '/v1/sign-ins?all=true')).status).toBe(403);
    const foreign = await people.signIn('max@example.org', ['staff']);
    expect((await people.as(foreign, 'POST', `/v1/sign-ins/${otherId}:end`)).status).toBe(404);
    expect((await people.as(bea, 'POST', `/v1/sign-ins/${otherId}:end`)).status).toBe(404);
    expect((await people.as(zoe, 'POST', `/v1/sign-ins/${otherId}:end`)).status).toBe(200);
    expect([await status(zoe), await status(other)]).toEqual([200, 401]);
    const all = await people.as(ada, 'GET', '/v1/sign-ins?all=true');
    expect(JSON.stringify(all.body)).toContain('zoe@example.org');
    expect(
      (await people.as(bea, 'POST', `/v1/people/${await people.personId('zoe@example.org')}:disable`)).status,
    ).toBe(403);
  });

  describe('API tokens', () => {
    const make = (cookie: string, body: object) => people.as(cookie, 'POST', '/v1/api-tokens', body);
    const use = async (token: string, path = '/v1/tasks') =>
      (await people.rig.call('GET', path, { headers: { authorization: `Bearer ${token}` } })).status;

    it('work until they are revoked or over, are kept as a hash, and show when they were last used', async () => {
      const cookie = await people.signIn('tess@example.org', ['staff']);
      const made = await make(cookie, { name: 'report', roles: ['viewer'] });
      expect(made.status).toBe(201);
      const [token, id] = [String(field(made.body, 'token')), String(field(made.body, 'tokenId'))];
      expect(token).toMatch(/^estop_test_[A-Za-z0-9_-]{43}$/);
      expect(await use(token)).toBe(200);
      const rows = await people.rig.ledger.sql(
        'SELECT to_jsonb(t)::text AS row FROM estop.api_tokens t UNION ALL SELECT to_jsonb(a)::text FROM estop.audit a',
      );
      expect(rows.some(({ row }) => String(row).includes(token))).toBe(false);
      const [item] = field((await people.as(cookie, 'GET', '/v1/api-tokens')).body, 'items') as { usedAt: string }[];
      expect(item?.usedAt).not.toBeNull();
      const foreign = await people.signIn('max@example.org', ['staff']);
      expect((await people.as(foreign, 'POST', `/v1/api-tokens/${id}:revoke`)).status).toBe(404);
      expect((await people.as(cookie, 'POST', `/v1/api-tokens/${id}:revoke`)).status).toBe(200);
      expect(await use(token)).toBe(401);
      const short = String(field((await make(cookie, { name: 'short', roles: ['viewer'] })).body, 'token'));
      await people.rig.ledger.sql(
        "UPDATE estop.api_tokens SET expires_at = clock_timestamp() WHERE name LIKE '%/short'",
      );
      expect(await use(short)).toBe(401);
    });

    it('asked for again under one key, since a reply was lost, are one token with the newest secret, as long as none was used', async () => {
      const cookie = await people.signIn('tara@example.org', ['staff']);
      const ask = async (key: string) => {
        const options = { headers: { cookie, origin }, key, body: { name: 'ci', roles: ['viewer'] } };
        const answer = await people.rig.call('POST', '/v1/api-tokens', options);
        return [answer.status, String(field(answer.body, 'tokenId')), String(field(answer.body, 'token'))] as const;
      };
      const [, id, lost] = await ask('once');
      const [status, again, token] = await ask('once');
      expect([status, again]).toEqual([201, id]);
      expect((await ask('another'))[1]).not.toBe(id);
      expect([await use(lost), await use(token)]).toEqual([401, 200]);
      // Somebody has it: it is not taken out of their hands, and a token that was revoked does not come back.
      expect((await ask('once'))[0]).toBe(409);
      expect((await people.as(cookie, 'POST', `/v1/api-tokens/${id}:revoke`)).status).toBe(200);
      expect([(await ask('once'))[0], await use(token)]).toEqual([409, 401]);
      const unused = await ask('third');
      expect((await people.as(cookie, 'POST', `/v1/api-tokens/${unused[1]}:revoke`)).status).toBe(200);
      expect((await ask('third'))[0]).toBe(409);
    });

    it('give nobody more than they have, and shrink with whoever made them', async () => {
      const cookie = await people.signIn('uma@example.org', ['staff']);
      for (const roles of [['operator'], ['viewer', 'admin'], ['service']])
        expect((await make(cookie, { name: 'x', roles })).status).toBe(403);
      expect((await make(cookie, { name: 'x', roles: ['viewer'], forService: true })).status).toBe(403);
      const token = String(field((await make(cookie, { name: 'x', roles: ['viewer'] })).body, 'token'));
      expect(await use(token)).toBe(200);
      await people.signIn('uma@example.org', []); // the provider says that she has left the group
      expect(await use(token)).toBe(403);
      const back = await people.signIn('uma@example.org', ['staff']);
      expect(await use(token)).toBe(200);
      await people.as(
        await people.signIn('ada@example.org'),
        'POST',
        `/v1/people/${await people.personId('uma@example.org')}:disable`,
      );
      expect([await use(token), await status(back)]).toEqual([401, 401]);
    });

    it('made with a token of the file end and shrink with it', async () => {
      const body = { name: 'cron', roles: ['admin'], days: 1 };
      const admin = await people.rig.call('POST', '/v1/api-tokens', { as: 'tom@admin', body });
      const token = String(field(admin.body, 'token'));
      expect(await use(token, '/v1/people')).toBe(200);
      const [hash] = [...tokensSeen].find(([, { actor }]) => actor === 'tom') ?? [''];
      tokensSeen.set(hash, { actor: 'tom', roles: ['viewer'] });
      expect(await use(token, '/v1/people')).toBe(403);
      tokensSeen.delete(hash);
      expect(await use(token, '/v1/people')).toBe(401);
    });

    it('make no other tokens', async () => {
      const ada = await people.signIn('ada@example.org');
      const token = String(field((await make(ada, { name: 'deploy', roles: ['admin'] })).body, 'token'));
      const answer = await people.rig.call('POST', '/v1/api-tokens', {
        headers: { authorization: `Bearer ${token}` },
        body: { name: 'child', roles: ['admin'] },
      });
      expect(answer.status).toBe(403);
    });

    it('of a service are made by an admin and stay', async () => {
      const ada = await people.signIn('ada@example.org');
      const made = await make(ada, { name: 'backend', roles: ['service'], forService: true });
      const token = String(field(made.body, 'token'));
      expect(await use(token, '/v1/whoami')).toBe(200);
    });

    it('of a service that may decide anything are no second person beside whoever made them', async () => {
      const { ledger } = people.rig;
      const ada = await people.signIn('ada@example.org');
      const made = await make(ada, { name: 'second-ada', roles: ['operator'], forService: true });
      const { stopId } = await stop(ledger, 'fleet');
      await fence(ledger, stopId);
      const reset = { body: { reason: 'all is well' } };
      const path = `/v1/stops/${stopId}:reset`;
      expect((await people.as(ada, 'POST', path, reset.body)).status).toBe(202);
      const headers = { authorization: `Bearer ${String(field(made.body, 'token'))}` };
      expect((await people.rig.call('POST', path, { headers, ...reset })).status).toBe(202);
      expect((await people.rig.call('POST', path, { as: 'otto@operator', ...reset })).status).toBe(200);
    });

    it('put no policies in force as a second person beside whoever made them', async () => {
      const config = {
        current: () => ({ ...people.rig.deps.config.current(), policies: { activationPeople: 2 } as const }),
      };
      const two = people.rig.withDeps({ config });
      const ada = await people.signIn('ada@example.org');
      const token = String(field((await make(ada, { name: 'deploy', roles: ['admin'] })).body, 'token'));
      const body = { files: people.rig.deps.policies, reason: 'as agreed' };
      const activate = async (headers: Record<string, string>) =>
        (await two.call('POST', '/v1/policies:activate', { headers, body })).status;
      expect(await activate({ cookie: ada, origin })).toBe(202);
      expect(await activate({ authorization: `Bearer ${token}` })).toBe(202);
      expect(await activate({ authorization: 'Bearer bob@admin' })).toBe(200);
    });

    it('the secret of a browser is no token, and a token is no cookie', async () => {
      const cookie = await people.signIn('ada@example.org');
      expect(await use(`estop_test_${cookie.split('=')[1] ?? ''}`)).toBe(401);
      expect(await use(cookie.split('=')[1] ?? '')).toBe(401);
    });
  });

  it('what does not exist is not found', async () => {
    const ada = await people.signIn('ada@example.org');
    for (const path of [`/v1/people/${newId('person')}:disable`, `/v1/api-tokens/${newId('api')}:revoke`])
      expect((await people.rig.call('POST', path, { headers: { cookie: ada, origin }, body: {} })).status).toBe(404);
  });

  it('whoever has a role over labels acknowledges what is told about agents that carry them, and nothing else', async () => {
    const { ledger, setAgents } = people.rig;
    await setAgents([
      agentSpec('billing-bot'),
      agentSpec('mail-bot', { labels: { team: 'mail', tier: 'gold' } }),
      agentSpec('mail-robot', { labels: { team: 'mail' } }),
    ]);
    const bea = await people.signIn('bea@example.org');
    const stops: Record<string, string> = {};
    const scopes = [
      'agent:mail-bot',
      'label:team=mail',
      'agent:billing-bot',
      'label:tier=gold',
      'tool:mail/send',
      'fleet',
    ];
    for (const scope of scopes) {
      const { stopId } = await stop(ledger, scope);
      stops[scope] = stopId;
    }
    await noteNews(ledger.as('estop_revoker'), { windowMs: 60_000, crowd: 100, crowdMs: 1, flood: 5, lostMs: 10_000 });
    const acknowledge = async (what: string, as = bea) => {
      const answer = await people.as(as, 'POST', '/v1/notices:acknowledge', { what });
      return [answer.status, field(answer.body, 'notices') ?? field(answer.body, 'code')];
    };
    const by = async (what: string): Promise<unknown> =>
      (await ledger.sql('SELECT DISTINCT acked_by FROM estop.notices WHERE subject = $1', [what])).map(
        (row) => row['acked_by'],
      );
    for (const scope of ['agent:mail-bot', 'label:team=mail']) {
      expect([scope, await acknowledge(stops[scope] ?? '')]).toEqual([scope, [200, 1]]);
      expect([scope, await acknowledge(stops[scope] ?? '')]).toEqual([scope, [200, 0]]);
      expect(await by(stops[scope] ?? '')).toEqual(['bea@example.org']);
    }
    for (const what of ['agent:billing-bot', 'label:tier=gold', 'tool:mail/send', 'fleet'].map(
      (scope) => stops[scope] ?? '',
    )) {
      expect(await acknowledge(what)).toEqual([403, 'forbidden']);
      expect(await by(what)).toEqual([null]);
    }
    expect(await acknowledge('nothing')).toEqual([403, 'forbidden']);

    // Under one stop of everything somebody is needed at her agent and at one of others: she speaks for hers.
    const fleet = stops['fleet'] ?? '';
    const needed =
      "INSERT INTO estop.notices (notice_id, event, subject, nth, agents) VALUES ($1, 'obligation.needs-human', $2, $1, $3)";
    await ledger.sql(needed, ['notice_hers', fleet, ['mail-bot', 'mail-robot']]);
    await ledger.sql(needed, ['notice_both', fleet, ['mail-bot', 'billing-bot']]);
    expect(await acknowledge('notice_both')).toEqual([403, 'forbidden']);
    expect(await acknowledge(fleet)).toEqual([200, 1]);
    const left = await ledger.sql('SELECT notice_id FROM estop.notices WHERE subject = $1 AND acked_at IS NULL', [
      fleet,
    ]);
    expect(left.map((row) => row['notice_id'])).toContain('notice_both');
    expect(left.map((row) => row['notice_id'])).not.toContain('notice_hers');
    expect((await acknowledge(fleet, await people.signIn('ada@example.org')))[0]).toBe(200);
    const denied = await ledger.sql(
      "SELECT 1 FROM estop.audit WHERE kind = 'request.denied' AND actor = 'bea@example.org' AND detail->>'what' = 'acknowledgeNotices'",
    );
    expect(denied.length).toBe(6);
  });
});
