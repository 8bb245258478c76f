import { beforeAll, describe, expect, it } from 'vitest';
import { isPermitted, type Permission, permissions } from '../../../src/control/permission.ts';
import { includesRole, personRoles } from '../../../src/core/mandate.ts';
import { field, makeControl, tokensSeen } from '../rig.ts';
import { type PeopleRig, peopleRig } from './people.ts';

const pairs = personRoles.flatMap((held) => personRoles.map((wanted) => [held, wanted] as const));
const everything = Object.keys(permissions) as Permission[]; // its own keys
const rightsOf = (role: (typeof personRoles)[number]): readonly Permission[] =>
  everything.filter((one) => isPermitted({ actor: 'x', roles: [role] }, one));

describe('tokens with less than their maker has', () => {
  let people: PeopleRig;
  const admin = { role: 'admin', people: ['ada@example.org'], groups: [] } as const;
  const mail = { role: 'operator', people: ['opal@example.org'], groups: [], labels: { team: 'mail' } } as const;
  beforeAll(async () => {
    people = peopleRig(await makeControl(), { roles: [admin, mail] });
  });
  const make = (cookie: string, role: string, more: object = {}) =>
    people.as(cookie, 'POST', '/v1/api-tokens', { name: `as-${role}`, roles: [role], ...more });
  const use = async (token: string, path: string): Promise<number> =>
    (await people.rig.call('GET', path, { headers: { authorization: `Bearer ${token}` } })).status;
  const both = async (token: string) => [await use(token, '/v1/tasks'), await use(token, '/v1/people')];

  it.each(pairs)(
    'who is %s may be %s exactly if that is nothing more, and the ledger knows it as well',
    async (held, wanted) => {
      const isWithin = rightsOf(wanted).every((one) => rightsOf(held).includes(one));
      expect(includesRole(held, wanted)).toBe(isWithin);
      const { ledger } = people.rig;
      const cookie = await people.signIn('ada@example.org');
      const tokenId = String(field((await make(cookie, 'admin')).body, 'tokenId'));
      await ledger.sql('UPDATE estop.api_tokens SET mandates = $2 WHERE token_id = $1', [tokenId, said(wanted)]);
      await ledger.sql("UPDATE estop.people SET mandates = $1 WHERE name = 'ada@example.org'", [said(held)]);
      const [row] = await ledger.sql('SELECT estop.token_mandates($1) AS may', [tokenId]);
      expect(row?.['may']).toMatchObject(isWithin ? [{ role: wanted }] : []);
    },
  );
  const said = (role: string): string => JSON.stringify([{ role, since: '2026-01-01T00:00:00Z' }]);

  it('an admin makes one that only looks: it looks, and does nothing more', async () => {
    const ada = await people.signIn('ada@example.org');
    const made = await make(ada, 'viewer');
    expect([made.status, await both(String(field(made.body, 'token')))]).toEqual([201, [200, 403]]);
    const shown = await people.as(ada, 'GET', '/people');
    for (const role of personRoles) expect(shown.text).toContain(`<option>${role}</option>`);
  });

  it('it lasts as long as its maker may do that much, by whichever role', async () => {
    const ada = await people.signIn('ada@example.org');
    const token = String(field((await make(ada, 'viewer')).body, 'token'));
    for (const [role, statuses] of [
      ['operator', [200, 403]],
      ['viewer', [200, 403]],
      ['none', [403, 403]],
      ['admin', [200, 403]],
    ] as const) {
      people.edit({ roles: role === 'none' ? [mail] : [{ ...admin, role }, mail] });
      await people.signIn('ada@example.org');
      expect([role, await both(token)]).toEqual([role, statuses]);
    }
  });

  it('whose role is bounded by labels gives no look that reaches further', async () => {
    const opal = await people.signIn('opal@example.org');
    expect((await make(opal, 'viewer')).status).toBe(403);
    const made = await make(opal, 'viewer', { labels: { team: 'mail' } });
    expect([made.status, await both(String(field(made.body, 'token')))]).toEqual([201, [200, 403]]);
    expect((await make(opal, 'approver', { labels: { team: 'mail' } })).status).toBe(403);
    expect((await people.as(opal, 'GET', '/people')).text).not.toContain('<option>approver</option>');
  });

  it('made with a token of the file it goes on while that one has any role that looks', async () => {
    const body = { name: 'wall', roles: ['viewer'], days: 1 };
    const made = await people.rig.call('POST', '/v1/api-tokens', { as: 'tom@admin', body });
    const token = String(field(made.body, 'token'));
    const [hash] = [...tokensSeen].find(([, { actor }]) => actor === 'tom') ?? [''];
    expect([made.status, await both(token)]).toEqual([201, [200, 403]]);
    tokensSeen.set(hash, { actor: 'tom', roles: ['approver'] });
    expect(await both(token)).toEqual([200, 403]);
    tokensSeen.set(hash, { actor: 'tom', roles: ['service'] });
    expect(await both(token)).toEqual([403, 403]);
  });
});
