import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { endpoints } from '../../../src/control/routes/index.ts';
import { agentSpec, newId, startTask } from '../../store/ledger.ts';
import { field, makeControl } from '../rig.ts';
import { type PeopleRig, peopleRig } from './people.ts';

const rules = {
  people: ['eli@example.org'],
  groups: ['on-call'],
  roles: ['operator', 'approver'],
  longestMs: 3_600_000,
} as const;

describe('taking a role for a while', () => {
  let people: PeopleRig;
  beforeAll(async () => {
    people = peopleRig(await makeControl(), {
      roles: [
        { role: 'admin', people: ['ada@example.org'], groups: [] },
        { role: 'operator', people: ['olga@example.org'], groups: [] },
        { role: 'viewer', people: [], groups: ['on-call'] },
      ],
      persons: { eli: ['eli@example.org', 'eli-admin@example.org'] },
      breakGlass: { ...rules, rule: 'second-person' },
    });
  });
  // One that a test left behind would be in the way of the next, or of the same one once more.
  beforeEach(() => people.rig.ledger.sql('DELETE FROM estop.elevations'));
  const ask = (cookie: string, change: object = {}) =>
    people.as(cookie, 'POST', '/v1/elevations', { role: 'operator', minutes: 30, reason: 'the pager rang', ...change });
  const idOf = (body: unknown): string => String(field(body, 'elevationId'));
  const on = (cookie: string, id: string, verb: string, body: object = {}) =>
    people.as(cookie, 'POST', `/v1/elevations/${id}:${verb}`, body);
  const hold = async (cookie: string) => {
    const { taskId } = await startTask(people.rig.ledger, agentSpec('billing-bot'));
    return (await people.as(cookie, 'POST', `/v1/tasks/${taskId}:hold`)).status;
  };
  let count = 0;
  const onCall = () => people.signIn(`oncall-${(count += 1)}@example.org`, ['on-call']);

  it('is for those whom estop.yaml names, for roles and times that it allows', async () => {
    const olga = await people.signIn('olga@example.org');
    expect((await ask(olga)).status).toBe(403);
    const eli = await people.signIn('eli@example.org'); // has no role at all otherwise
    expect((await ask(eli, { role: 'admin' })).status).toBe(403);
    expect((await ask(eli, { minutes: 61 })).status).toBe(409);
    expect((await ask(eli, { reason: '' })).status).toBe(422);
    expect(
      (
        await people.rig.call('POST', '/v1/elevations', {
          as: 'admin',
          body: { role: 'operator', minutes: 5, reason: 'x' },
        })
      ).status,
    ).toBe(403);
  });

  it('begins with a second person, who is not the first under another name', async () => {
    const eli = await people.signIn('eli@example.org');
    const asked = await ask(eli);
    expect([asked.status, field(asked.body, 'state')]).toEqual([202, 'asked']);
    expect((await ask(eli)).status).toBe(409);
    expect(await hold(eli)).toBe(403);
    people.edit({
      roles: [
        ...(people.rig.deps.config.current().signIn?.roles ?? []),
        { role: 'operator', people: ['eli-admin@example.org'], groups: [] },
      ],
    });
    const same = await people.signIn('eli-admin@example.org');
    expect((await on(same, idOf(asked.body), 'grant')).status).toBe(403);
    const viewer = await onCall();
    expect((await on(viewer, idOf(asked.body), 'grant')).status).toBe(403);
    expect((await on(await people.signIn('olga@example.org'), idOf(asked.body), 'grant')).status).toBe(200);
    expect(await hold(eli)).toBe(200);
    expect((await on(eli, idOf(asked.body), 'end')).status).toBe(200);
  });

  it('is neither begun nor reviewed by an account that was written down as theirs only since', async () => {
    const all = people.rig.deps.config.current().signIn ?? { roles: [], persons: {} };
    people.edit({
      roles: [...all.roles, { role: 'operator', people: ['ivy-admin@example.org'], groups: [] }],
      breakGlass: { ...rules, people: ['ivy@example.org'], rule: 'second-person' },
    });
    const [ivy, olga] = [await people.signIn('ivy@example.org'), await people.signIn('olga@example.org')];
    const id = idOf((await ask(ivy)).body);
    people.edit({ persons: { ...all.persons, ivy: ['Ivy@example.org', 'ivy-admin@example.org'] } });
    const other = await people.signIn('ivy-admin@example.org');
    expect((await on(other, id, 'grant')).status).toBe(403);
    expect((await on(olga, id, 'grant')).status).toBe(200);
    await over(id);
    const review = (by: string) => on(by, id, 'review', { verdict: 'justified', note: 'saw the log' });
    expect([(await review(other)).status, (await review(olga)).status]).toEqual([403, 200]);
    people.edit({ roles: all.roles, persons: all.persons, breakGlass: { ...rules, rule: 'second-person' } });
  });

  it('is theirs to end also where the ledger learns only later under which other names they go', async () => {
    const made = await makeControl();
    const { store } = made.deps;
    const query = async (asked: { readonly name?: string }): Promise<unknown> => {
      if (asked.name === 'estop_set_mandates') await sleep(300);
      return store.query(asked as never); // handed on as it came
    };
    const late = new Proxy(store, { get: (pool, key) => (key === 'query' ? query : Reflect.get(pool, key, pool)) });
    const slow = peopleRig(
      { ...made, deps: { ...made.deps, store: late } },
      { persons: { eli: ['eli@example.org'] }, breakGlass: { ...rules, rule: 'review' } },
    );
    const eli = await slow.signIn('eli@example.org');
    const asked = await slow.as(eli, 'POST', '/v1/elevations', { role: 'operator', minutes: 5, reason: 'the pager' });
    expect(asked.status).toBe(201);
    expect((await slow.as(eli, 'POST', `/v1/elevations/${idOf(asked.body)}:end`, {})).status).toBe(200);
  });

  it('lapses when nobody comes', async () => {
    const eva = await onCall();
    const id = idOf((await ask(eva)).body);
    await people.rig.ledger.sql(
      "UPDATE estop.elevations SET asked_at = asked_at - interval '15 minutes' WHERE elevation_id = $1",
      [id],
    );
    expect((await on(await people.signIn('olga@example.org'), id, 'grant')).status).toBe(409);
    expect((await ask(eva)).status).toBe(202);
  });

  async function active(): Promise<{ readonly cookie: string; readonly id: string; readonly name: string }> {
    people.edit({ breakGlass: { ...rules, rule: 'review' } });
    const cookie = await onCall();
    const begun = await ask(cookie);
    expect([begun.status, field(begun.body, 'state')]).toEqual([201, 'active']);
    return { cookie, id: idOf(begun.body), name: `oncall-${count}@example.org` };
  }
  const over = (id: string) =>
    people.rig.ledger.sql('UPDATE estop.elevations SET ends_at = clock_timestamp() WHERE elevation_id = $1', [id]);

  it('by the rule of review it begins at once, and ends by itself', async () => {
    const { cookie, id } = await active();
    expect(await hold(cookie)).toBe(200);
    const who = await people.as(cookie, 'GET', '/v1/whoami');
    expect(field(who.body, 'elevation', 'elevationId')).toBe(id);
    await over(id);
    expect(await hold(cookie)).toBe(403);
    expect(field((await people.as(cookie, 'GET', `/v1/elevations/${id}`)).body, 'state')).toBe('to-review');
  });

  it('is in the proof for outages as long as it lasts, beside what is theirs anyway', async () => {
    people.edit({ breakGlass: { ...rules, rule: 'review' } });
    const bounded = { role: 'operator', people: ['lin@example.org'], groups: [], labels: { team: 'mail' } } as const;
    people.edit({ roles: [...(people.rig.deps.config.current().signIn?.roles ?? []), bounded] });
    const cookie = await people.signIn('lin@example.org', ['on-call']);
    const proofAfter = async (held = '') => {
      const headers = { cookie: `${cookie}; ${held}`, accept: 'text/html' };
      const seen = (await people.rig.call('GET', '/', { headers })).headers.getSetCookie();
      const shown = seen.find((one) => one.startsWith('estop-test-stop-proof='))?.split(';')[0] ?? '';
      return { shown, said: people.rig.deps.proofs.verify(shown.slice(shown.indexOf('=') + 1)) };
    };
    const id = idOf((await ask(cookie)).body);
    const during = await proofAfter();
    expect(during.said).toMatchObject({ actor: 'lin@example.org', scopes: ['label:team=mail'] });
    expect(during.said?.wider?.actor).toBe(`lin@example.org (elevated, ${id})`);
    expect(during.said?.wider?.until).toBeLessThan(Date.now() + 1_801_000);
    await on(cookie, id, 'end');
    const after = await proofAfter(during.shown);
    expect(after.said).toMatchObject({ actor: 'lin@example.org', scopes: ['label:team=mail'] });
    expect(after.said?.wider).toBeUndefined();
  });

  it('never resets a stop, not even for whoever may reset without it', async () => {
    people.edit({ breakGlass: { ...rules, people: ['olga@example.org'], rule: 'review' } });
    const olga = await people.signIn('olga@example.org');
    const id = idOf((await ask(olga, { role: 'approver' })).body);
    const stopId = newId('stop');
    await people.rig.ledger.sql(
      "INSERT INTO estop.stops (stop_id, epoch, scope_key, category, grace_ms, reason, actor, method) VALUES ($1, 900, 'agent:x', 0, 0, '', 'olga', 'api')",
      [stopId],
    );
    await people.rig.ledger.sql(
      'INSERT INTO estop.stop_progress (stop_id, fenced_at) VALUES ($1, clock_timestamp()) ON CONFLICT (stop_id) DO UPDATE SET fenced_at = clock_timestamp()',
      [stopId],
    );
    const reset = () => people.as(olga, 'POST', `/v1/stops/${stopId}:reset`, { reason: 'fine again' });
    const refused = await reset();
    expect([refused.status, field(refused.body, 'code')]).toEqual([403, 'forbidden']);
    expect(await people.rig.ledger.sql('SELECT reset_at FROM estop.stops WHERE stop_id = $1', [stopId])).toEqual([
      { reset_at: null },
    ]);
    await on(olga, id, 'end');
    expect((await reset()).status).toBe(200);
  });

  it('makes nothing that would outlast it, and judges no other elevation', async () => {
    const { cookie } = await active();
    const other = await onCall();
    people.edit({ breakGlass: { ...rules, rule: 'second-person' } });
    const asked = idOf((await ask(other)).body);
    expect((await people.as(cookie, 'POST', '/v1/api-tokens', { name: 'x', roles: ['operator'] })).status).toBe(403);
    expect((await on(cookie, asked, 'grant')).status).toBe(403);
    expect((await ask(cookie)).status).toBe(403);
  });

  it('is refused at every endpoint that could make something outlast it, and each of them is named in the documentation', async () => {
    const refused = endpoints.filter(({ underElevation }) => underElevation === 'refused');
    const page = readFileSync(new URL('../../../docs/sign-in.md', import.meta.url), 'utf8');
    const listed = page.slice(page.indexOf('| refused under an elevation'), page.indexOf('## When something is away'));
    expect(refused.map(({ id }) => id).filter((id) => !listed.includes(`\`${id}\``))).toEqual([]);
    expect(
      endpoints.filter(({ method, underElevation }) => (method === 'post') !== (underElevation !== undefined)),
    ).toEqual([]);
    // All the roles there are, so that it is the elevation alone that is in the way.
    people.edit({
      roles: [
        ...(people.rig.deps.config.current().signIn?.roles ?? []),
        { role: 'admin', people: ['zoe@example.org'], groups: [] },
      ],
      breakGlass: { ...rules, people: ['zoe@example.org'], roles: ['viewer'], rule: 'review' },
    });
    const zoe = await people.signIn('zoe@example.org');
    const id = idOf((await ask(zoe, { role: 'viewer' })).body);
    const said = async ({ path }: { readonly path: string }) =>
      String(field((await people.as(zoe, 'POST', path.replace('{id}', 'none'))).body, 'detail'));
    for (const one of refused)
      expect([one.id, await said(one)]).toEqual([
        one.id,
        expect.stringContaining(`Not with a role that was taken for a while (${id})`),
      ]);
    await on(zoe, id, 'end');
    for (const one of refused)
      expect([one.id, await said(one)]).not.toEqual([one.id, expect.stringContaining('for a while')]);
  });

  it('approves no call that had been asked for before it began', async () => {
    const { cookie, id } = await active();
    expect(field((await people.as(cookie, 'GET', '/v1/whoami')).body, 'mandates')).toContainEqual({
      role: 'operator',
      labels: null,
      since: expect.stringMatching(/^20/),
    });
    await over(id);
  });

  it('marks everything that is done under it, for whoever reviews it', async () => {
    const { cookie, id, name } = await active();
    await hold(cookie);
    await people.as(cookie, 'POST', `/v1/stops/${newId('stop')}:reset`, { reason: 'x' });
    const olga = await people.signIn('olga@example.org');
    const seen = await people.as(olga, 'GET', `/v1/elevations/${id}`);
    expect((field(seen.body, 'used') as { what: string }[]).map(({ what }) => what)).toEqual(['holdTask']);
    const denied = await people.rig.ledger.sql(
      "SELECT detail FROM estop.audit WHERE kind = 'request.denied' AND actor = $1",
      [name],
    );
    expect(JSON.stringify(denied)).toContain('resetStop');
    await on(cookie, id, 'end'); // Theirs to say at any time, and nothing that anybody would have to judge.
    expect(field((await people.as(olga, 'GET', `/v1/elevations/${id}`)).body, 'used')).toHaveLength(1);
  });

  it('stays open until somebody else has signed it', async () => {
    const { cookie, id } = await active();
    const [olga, ada] = [await people.signIn('olga@example.org'), await people.signIn('ada@example.org')];
    const review = (by: string) => on(by, id, 'review', { verdict: 'justified', note: 'saw the log' });
    expect((await review(olga)).status).toBe(409);
    await over(id);
    const open = async () => JSON.stringify((await people.as(ada, 'GET', '/v1/elevations')).body).includes(id);
    expect(await open()).toBe(true);
    // They became an operator since, and still do not sign for themselves.
    people.edit({
      roles: [
        ...(people.rig.deps.config.current().signIn?.roles ?? []),
        { role: 'operator', people: [], groups: ['on-call'] },
      ],
    });
    expect((await review(cookie)).status).toBe(403);
    expect(await open()).toBe(true);
    const signed = await review(olga);
    expect([signed.status, field(signed.body, 'state')]).toEqual([200, 'reviewed']);
    expect(await open()).toBe(false);
    expect((await review(ada)).status).toBe(409);
  });

  it('what cannot be written down is not done under it', async () => {
    const { cookie } = await active();
    const { taskId } = await startTask(people.rig.ledger, agentSpec('billing-bot'));
    await people.rig.ledger.sql(
      'REVOKE EXECUTE ON FUNCTION estop.append_audit(text, text, text, jsonb, text, jsonb, jsonb) FROM estop_control',
    );
    try {
      expect((await people.as(cookie, 'POST', `/v1/tasks/${taskId}:hold`)).status).toBeGreaterThanOrEqual(500);
      const [row] = await people.rig.ledger.sql('SELECT held FROM estop.tasks WHERE task_id = $1', [taskId]);
      expect(row?.['held']).toBe(false);
    } finally {
      await people.rig.ledger.sql(
        'GRANT EXECUTE ON FUNCTION estop.append_audit(text, text, text, jsonb, text, jsonb, jsonb) TO estop_control',
      );
    }
  });
});
