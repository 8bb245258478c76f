import { expect, it } from 'vitest';
import type { Delivery } from '../../src/contract/http/notices.ts';
import { deliveryChip } from '../../src/control/console/notice-groups.ts';
import { field, makeControl } from '../control/rig.ts';
import { peopleRig } from '../control/sign-in/people.ts';
import { agentSpec, putAgents } from '../store/ledger.ts';

const rules = { people: ['eli@example.org'], groups: [], roles: ['operator'], longestMs: 3_600_000 } as const;
const textOf = (page: string): string =>
  page
    .replaceAll(/<(script|style|svg)[^>]*>.*?<\/\1>/gs, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');

it('a role that was taken for a while says when it began and ended, and whom nobody granted it', async () => {
  const people = peopleRig(await makeControl(), {
    roles: [{ role: 'operator', people: ['olga@example.org'], groups: [] }],
    breakGlass: { ...rules, rule: 'review' },
  });
  const { ledger } = people.rig;
  const [eli, olga] = [await people.signIn('eli@example.org'), await people.signIn('olga@example.org')];
  const begin = async () =>
    String(
      field(
        (await people.as(eli, 'POST', '/v1/elevations', { role: 'operator', minutes: 30, reason: 'the pager rang' }))
          .body,
        'elevationId',
      ),
    );
  const page = async (who: string, path = '/people') => textOf((await people.as(who, 'GET', path)).text);
  const first = await begin();
  const active = await page(olga);
  expect(active).toMatch(/begun by themselves \d\d:\d\d:\d\d UTC , ends in 29 min/);
  expect(active).toContain('Nothing has been done under it so far.');
  expect(active).not.toContain('granted by');
  // Whoever acts under it sees so on every page, with its end.
  expect(await page(eli, '/')).toMatch(/operator for a while, until \d\d:\d\d UTC/);
  expect(await page(olga, '/')).not.toContain('for a while, until');
  await people.as(eli, 'POST', `/v1/elevations/${first}:end`);
  const ended = await page(olga);
  expect(ended).toMatch(/ended \d\d:\d\d:\d\d UTC by eli@example.org/);
  expect(ended).not.toMatch(/ends in/);
  await people.as(olga, 'POST', `/v1/elevations/${first}:review`, { verdict: 'not-justified', note: 'olga was awake' });
  const { text } = await people.as(olga, 'GET', '/people');
  expect(text).toContain('href="/audit?kind=elevation.reviewed"');
  const second = await begin();
  await ledger.sql("UPDATE estop.elevations SET ends_at = clock_timestamp() - interval '1 s' WHERE elevation_id = $1", [
    second,
  ]);
  expect(await page(olga)).toMatch(/ended by itself \d\d:\d\d:\d\d UTC/);
});

it('whoever may look alone is led to who may stop it, and to breaking glass where that is agreed', async () => {
  const made = await makeControl();
  await putAgents(made.ledger, [agentSpec('billing-bot')]);
  const people = peopleRig(made, {
    breakGlass: { ...rules, rule: 'review' },
    roles: [{ role: 'viewer', people: ['eli@example.org'], groups: [] }],
  });
  const eli = await people.signIn('eli@example.org');
  const { text } = await people.as(eli, 'GET', '/stop?scope=agent:billing-bot');
  expect(text).toContain('href="/agents/billing-bot"');
  expect(text).toContain('href="/people#break-glass"');
  const without = peopleRig(made, { roles: [{ role: 'viewer', people: ['eli@example.org'], groups: [] }] });
  expect((await without.as(eli, 'GET', '/stop?scope=agent:billing-bot')).text).not.toContain('break-glass');
});

it('where nothing runs the command to start something names an agent that there is', async () => {
  const rig = await makeControl();
  const { text } = await rig.call('GET', '/', { as: 'olga@operator' });
  const named = /estop task start (\S+) /.exec(text)?.[1];
  expect(rig.deps.config.current().agents.map(({ agentId }) => agentId)).toContain(named);
});

it('what was not delivered is said in words', async () => {
  const one: Delivery = {
    endpoint: 'pager',
    rung: '',
    afterMs: 0,
    state: 'open',
    attempts: 4,
    answer: 'connector-unavailable',
    endedAt: null,
  };
  const chip = async (change: Partial<Delivery>): Promise<string> =>
    (await deliveryChip({ ...one, ...change }, '2026-11-22T03:00:00Z', false, 0)).replaceAll(/<[^>]*>/g, '');
  expect(await chip({})).toBe('pager: not delivered yet, 4 tries (cannot be reached)');
  expect(await chip({ answer: '503' })).toBe('pager: not delivered yet, 4 tries (503)');
  expect(await chip({ attempts: 0, answer: null })).toBe('pager: on its way');
  expect(await chip({ state: 'delivered', attempts: 1, answer: '204' })).toBe('pager: delivered (204)');
});

it('a token has the least role that its maker holds, unless they choose another', async () => {
  const rig = await makeControl();
  const rolesOn = (page: string): readonly string[] =>
    [...(/<select name="role">(.*?)<\/select>/s.exec(page)?.[1] ?? '').matchAll(/<option>(\w+)<\/option>/g)].map(
      ([, role = '']) => role,
    );
  expect(rolesOn((await rig.call('GET', '/people', { as: 'victor@viewer' })).text)).toEqual(['viewer']);
  // Whoever has a role may make a token with less than it.
  const all = ['viewer', 'approver', 'operator', 'admin'];
  expect(rolesOn((await rig.call('GET', '/people', { as: 'olga@admin' })).text)).toEqual(all);
  const people = peopleRig(rig, {
    roles: ['admin', 'viewer', 'operator'].map((role) => ({
      role: role as 'admin',
      people: ['eli@example.org'],
      groups: [],
    })), // one of three roles
  });
  const eli = await people.signIn('eli@example.org');
  expect(rolesOn((await people.as(eli, 'GET', '/people')).text)).toEqual(all);
});
