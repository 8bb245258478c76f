import { beforeAll, describe, expect, it } from 'vitest';
import { startStopServer } from '../../../src/stop/server.ts';
import { auditTrail } from '../../../src/store/audit-trail.ts';
import { field, makeControl } from '../rig.ts';
import { origin, type PeopleRig, peopleRig } from './people.ts';

describe('what is shown again after its end, at the API', () => {
  let people: PeopleRig;
  beforeAll(async () => {
    people = peopleRig((await makeControl()).withDeps({ openPayloads: (payloads) => Promise.resolve(payloads) }), {
      roles: [{ role: 'viewer', people: ['ada@example.org'], groups: ['staff'] }],
    });
  });
  it('a viewer who is signed in and orders a stop all the same is told that they may not, not that it failed', async () => {
    const { rig } = people;
    const stops = await startStopServer({
      environment: 'test',
      host: '127.0.0.1',
      port: 0,
      databaseUrl: rig.ledger.urls.estop_stop,
      temporalAddress: '127.0.0.1:1',
      authenticator: rig.deps.authenticator,
      log: rig.deps.log,
    });
    try {
      const cookie = await people.signIn('vic@example.org', ['staff']);
      const page = await rig.withDeps({ stopUrl: stops.url }).call('POST', '/stop', {
        raw: new URLSearchParams({ scope: 'agent:billing-bot' }).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', cookie, origin },
      });
      expect([page.status, page.text.includes('You may look, and not stop')]).toEqual([403, true]);
      const ofVic = async () =>
        (await auditTrail(rig.deps.store, { kind: 'attempt.refused', actor: 'vic@example.org' }, 10)).items;
      await expect.poll(ofVic, { timeout: 20_000 }).toMatchObject([{ detail: { because: 'forbidden', times: 1 } }]);
    } finally {
      await stops.close();
    }
  });

  const audited = async () => {
    const { items } = await auditTrail(people.rig.ledger.as('estop_control'), { kind: 'attempt.refused' }, 200);
    return items.map(({ method, subject, detail }) => [
      method,
      subject,
      ...['because', 'shown', 'name'].map((key) => detail[key]),
    ]);
  };

  it('is in the audit by its name and id, and never by itself', async () => {
    const cookie = await people.signIn('ada@example.org');
    const { body } = await people.as(cookie, 'POST', '/v1/api-tokens', { name: 'report', roles: ['viewer'] });
    const [token, id] = [String(field(body, 'token')), String(field(body, 'tokenId'))];
    expect((await people.as(cookie, 'POST', `/v1/api-tokens/${id}:revoke`)).status).toBe(200);
    const headers = { authorization: `Bearer ${token}` };
    expect((await people.rig.call('GET', '/v1/tasks', { headers })).status).toBe(401);
    expect((await people.rig.call('POST', '/codec/decode', { headers, body: { payloads: [] } })).status).toBe(401);
    const mine = await people.as(cookie, 'GET', '/v1/sign-ins');
    const signInId = String(field(mine.body, 'items', 0, 'signInId'));
    await people.as(cookie, 'POST', `/v1/sign-ins/${signInId}:end`);
    expect((await people.as(cookie, 'POST', '/v1/api-tokens', { name: 'x', roles: ['viewer'] })).status).toBe(401);
    await expect.poll(audited, { timeout: 20_000 }).toEqual(
      expect.arrayContaining([
        ['api', '/v1/tasks', 'token-revoked', id, 'ada@example.org/report'],
        ['codec', '/codec/decode', 'token-revoked', id, 'ada@example.org/report'],
        ['api', '/v1/api-tokens', 'signed-out', signInId, 'ada@example.org'],
      ]),
    );
    const written = JSON.stringify(await people.rig.ledger.sql('SELECT * FROM estop.refused_attempts'));
    expect(written).not.toContain(token);
  });
});
