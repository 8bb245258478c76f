import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { askTestNotice } from '../../../src/store/notices.ts';
import { field, makeControl } from '../rig.ts';
import { origin, type PeopleRig, peopleRig } from './people.ts';

/** One of each kind of address that ownPath is tested with: here it counts that every place asks it. */
const elsewhere = ['https://evil.example/x', '//evil.example/x', '/\\evil.example', 'javascript:alert(1)'];

describe.each(elsewhere)('an address that leads to %s', (evil) => {
  let people: PeopleRig;
  let cookie: string;
  beforeAll(async () => {
    people = peopleRig(await makeControl(), { roles: [{ role: 'admin', people: ['ada@example.org'], groups: [] }] });
  });
  // A login link ends the one that was there before it.
  beforeEach(async () => {
    cookie = await people.signIn('ada@example.org');
  });
  const asked = encodeURIComponent(evil);
  const leadsHome = async (answer: Promise<{ readonly status: number; readonly headers: Headers }>): Promise<void> => {
    const { status, headers } = await answer;
    expect([status, headers.get('location')]).toEqual([303, '/']);
  };
  const link = async (body: object): Promise<URL> => {
    const made = await people.rig.call('POST', '/v1/login-links', { as: 'operator', body });
    return new URL(String(field(made.body, 'url')));
  };
  const press = (path: string, fields: Readonly<Record<string, string>> = {}) =>
    people.rig.call('POST', path, {
      raw: new URLSearchParams(fields).toString(),
      headers: { cookie, origin, 'content-type': 'application/x-www-form-urlencoded' },
    });

  it('is left for home by the page to sign in, for whoever is signed in', () =>
    leadsHome(people.rig.call('GET', `/sign-in?next=${asked}`, { headers: { cookie } })));

  it('is not handed on by the page to sign in', async () => {
    const shown = await people.rig.call('GET', `/sign-in?next=${asked}`, { headers: { accept: 'text/html' } });
    expect(shown.text).not.toContain('evil');
    expect(shown.text).not.toContain('alert(1)');
  });

  it('is left for home by a login link, whoever wrote it into the link', async () => {
    const { pathname } = await link({});
    await leadsHome(press(`${pathname}?next=${asked}`));
  });

  it('does not come into a login link', async () => {
    expect((await link({ next: evil })).searchParams.get('next')).toBe('/');
    expect((await link({ next: '/stops?limit=5' })).searchParams.get('next')).toBe('/stops?limit=5');
  });

  it('is left for home by a button that leads back', async () => {
    const what = await askTestNotice(people.rig.deps.store, 'otto', undefined);
    await leadsHome(press('/notices/seen', { what, back: evil }));
  });
});
