import { expect, it } from 'vitest';
import { appendAudit } from '../../src/store/audit.ts';
import { latch } from '../../src/store/latch.ts';
import { field, makeControl } from '../control/rig.ts';
import { peopleRig } from '../control/sign-in/people.ts';
import { agentSpec, order, startTask } from '../store/ledger.ts';

it('the form to break glass offers what estop.yaml lets be taken, and is not there where it lets nobody', async () => {
  const made = await makeControl();
  const rules = { people: ['eli@example.org'], groups: [], longestMs: 1_200_000 } as const;
  const people = peopleRig(made, { breakGlass: { ...rules, roles: ['approver'], rule: 'second-person' } });
  const eli = await people.signIn('eli@example.org');
  const page = async () => (await people.as(eli, 'GET', '/people')).text.replaceAll(/\s+/g, ' ');
  expect(await page()).toContain('<select name="role"><option>approver</option></select>');
  expect(await page()).toContain('It begins when a second person says so.');
  expect(await page()).toMatch(/Minutes, 20 at most<input type="text" name="minutes" value="20"/);
  const without = peopleRig(made);
  const nobody = await without.signIn('nina@example.org');
  const { text } = await without.as(nobody, 'GET', '/people');
  expect([text.includes('id="break-glass"'), text.includes('names nobody')]).toEqual([false, true]);
});

it('whoever signs that they looked at an elevation is shown on that page what was done under it', async () => {
  const people = peopleRig(await makeControl(), {
    roles: [{ role: 'operator', people: ['olga@example.org'], groups: [] }],
    breakGlass: { people: ['eli@example.org'], groups: [], roles: ['operator'], longestMs: 3_600_000, rule: 'review' },
  });
  const { ledger } = people.rig;
  const [eli, olga] = [await people.signIn('eli@example.org'), await people.signIn('olga@example.org')];
  const begin = async () => {
    const asked = { role: 'operator', minutes: 30, reason: 'the pager rang' };
    return String(field((await people.as(eli, 'POST', '/v1/elevations', asked)).body, 'elevationId'));
  };
  const main = async () => (await people.as(olga, 'GET', '/people')).text.replaceAll(/\s+/g, ' ');
  const over = (id: string) =>
    ledger.sql('UPDATE estop.elevations SET ends_at = clock_timestamp() WHERE elevation_id = $1', [id]);

  const idle = await begin();
  await over(idle);
  expect(await main()).toContain('Nothing was done under it.');
  await people.as(olga, 'POST', `/v1/elevations/${idle}:review`, { verdict: 'justified', note: 'nothing was done' });
  expect(await main()).not.toContain('Nothing was done under it');

  const used = await begin();
  const { taskId } = await startTask(ledger, agentSpec('billing-bot'));
  expect((await people.as(eli, 'POST', `/v1/tasks/${taskId}:hold`)).status).toBe(200);
  const placed = { ...order('agent:mail-bot'), actor: `eli@example.org (elevated, ${used})` };
  await latch(ledger.as('estop_stop'), placed);
  for (const state of ['active', 'to-review']) {
    const text = await main();
    expect([state, text]).toEqual([state, expect.stringContaining(`>${state}<`)]);
    expect(text).toMatch(new RegExp(`Hold a task.{0,80}<a href="/tasks/${taskId}">`));
    expect(text).toContain(`Ordered <a href="/stops/${placed.stopId}">`);
    await over(used);
  }
});

it('nobody signs over what was done and not shown: it is counted, paged, and linked where it is shown whole', async () => {
  const people = peopleRig(await makeControl(), {
    roles: [{ role: 'operator', people: ['olga@example.org'], groups: [] }],
    breakGlass: { people: ['eli@example.org'], groups: [], roles: ['operator'], longestMs: 3_600_000, rule: 'review' },
  });
  const { ledger } = people.rig;
  const [eli, olga] = [await people.signIn('eli@example.org'), await people.signIn('olga@example.org')];
  const asked = { role: 'operator', minutes: 30, reason: 'the pager rang' };
  const id = String(field((await people.as(eli, 'POST', '/v1/elevations', asked)).body, 'elevationId'));
  const control = ledger.as('estop_control');
  const of = { kind: 'elevation.used', actor: 'eli@example.org', subject: `elevation:${id}` };
  for (let at = 0; at < 205; at += 1)
    await appendAudit(control, { ...of, detail: { what: 'holdTask', path: `/v1/tasks/number-${at}:hold` } });
  await ledger.sql('UPDATE estop.elevations SET ends_at = clock_timestamp() WHERE elevation_id = $1', [id]);

  const page = async (cursor = ''): Promise<Record<'used' | 'usedInAll' | 'next', unknown>> =>
    JSON.parse((await people.as(olga, 'GET', `/v1/elevations/${id}?limit=200${cursor}`)).text);
  const first = await page();
  const second = await page(`&cursor=${String(first.next)}`);
  const paths = [first, second].flatMap(({ used }) => (used as { path: string }[]).map((one) => one.path));
  expect([paths.length, new Set(paths).size, paths[0]]).toEqual([205, 205, '/v1/tasks/number-204:hold']);
  expect([first.usedInAll, second.usedInAll, second.next]).toEqual([205, 205, null]);
  expect((await people.as(olga, 'GET', `/v1/elevations/${id}?cursor=bm9uZQ`)).status).toBe(422);

  const { text } = await people.as(olga, 'GET', '/people');
  expect(text).toContain('The newest 30 of 205.');
  expect(text.match(/Hold a task/g)).toHaveLength(30);
  const rest = /href="(\/audit\?[^"]+)">look at all of them</.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? '';
  const whole = await people.as(olga, 'GET', rest);
  expect([whole.status, whole.text.match(/number-\d+:hold/g)?.length, whole.text.includes('>Older<')]).toEqual([
    200,
    100,
    true,
  ]);

  // Twenty that wait are looked into; one of the past that is not shown is not signed from there.
  await ledger.sql(
    `INSERT INTO estop.elevations (elevation_id, person_id, name, person, role, reason, life_ms, rule, asked_at, granted_at, granted_by, ends_at)
     SELECT 'elev_test_' || lpad(n::text, 26, '0'), person_id, name, person, role, reason, life_ms, rule, asked_at + interval '1 ms' * n, granted_at, granted_by, ends_at
     FROM estop.elevations, generate_series(1, 20) n WHERE elevation_id = $1`,
    [id],
  );
  const full = (await people.as(olga, 'GET', '/people')).text;
  expect(full.match(/Sign the review/g)).toHaveLength(20);
  expect(full).toContain('Sign those above first');
});
