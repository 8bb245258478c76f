import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { forms, pages } from '../../src/control/console/pages.ts';
import type { ConsoleForm } from '../../src/control/console/view.ts';
import { permissions } from '../../src/control/permission.ts';
import { endpoints } from '../../src/control/routes/index.ts';
import { packageRoot } from '../../src/runtime/package-root.ts';
import { type AuditEventRecord, auditTrail } from '../../src/store/audit-trail.ts';
import { type Bed, policies, reason, secretsSaid } from './before-a-change.ts';
import { makeChangeBed } from './change-bed.ts';
import { changes } from './every-change.ts';
import { type Answer, allRoles, type ControlRig, field } from './rig.ts';
import type { PeopleRig } from './sign-in/people.ts';

/** What its endpoint needs to be there, as somebody fills it in. */
interface Filled {
  readonly at: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly scopeKey: string;
}
type Fields = Readonly<Record<string, string>>;
const said = ({ body }: Filled): Fields =>
  Object.fromEntries(Object.entries(body).map(([name, value]) => [name, String(value)]));
const named = (filled: Filled): Fields => ({ id: filled.at, ...said(filled) });

/** By path. A text: where else it is looked at. */
const filledIn: Readonly<Record<string, ((filled: Filled) => Fields) | string>> = {
  '/stop': 'test/stop/people.test.ts',
  '/policy/second': 'test/control/policies.test.ts',
  '/policy/backtest': 'looks',
  '/stops/:id/reset': (one) => ({ ...said(one), typed: one.scopeKey }),
  '/stops/:id/note': said,
  '/stops/:id/proceed': said,
  '/accept-risk': (one) => ({ ...said(one), obligation: one.at }),
  '/approvals/deny': (one) => ({ reason, approval: one.at }),
  '/approvals/:id': said,
  '/agents/:id/reset-breaker': said,
  '/tools/:server/:tool': said,
  '/policy': said,
  '/policy/activate': (one) => ({ ...said(one), after: '0' }),
  '/notices/seen': said,
  '/notices/test': said,
  '/connectors/:id/drill': said,
  '/secrets/set': (one) => ({ ...said(one), name: one.at }),
  '/secrets/rotate': (one) => ({ ...said(one), name: one.at }),
  '/secrets/remove': (one) => ({ name: one.at, typed: one.at }),
  '/people/end-sign-in': named,
  '/people/revoke-token': named,
  '/people/make-token': (one) => ({ ...said(one), role: 'operator', days: '7' }),
  '/people/elevation/ask': said,
  '/people/elevation/grant': named,
  '/people/elevation/end': named,
  '/people/elevation/review': named,
  '/people/disable': named,
  '/people/enable': named,
  '/tasks/:id/hold': said,
  '/tasks/:id/release': said,
  '/tasks/:id/close': said,
};

/** Doors that are neither an endpoint nor a form of the console: where it is looked at what they write down, and who was refused. */
const doors: Readonly<Record<string, string>> = {
  '/codec/decode': 'test/control/codec.test.ts',
  '/v1/triggers/:name': 'test/control/triggers.test.ts',
  '/v1/slack/:endpoint/actions': 'test/control/slack-buttons.test.ts',
  '/oauth/register': 'refuses everybody: there is nobody who registers',
  '/oauth/token': 'test/control/agent-clients.test.ts',
  '/oauth/authorize': 'test/control/person-clients.test.ts',
  '/sign-in/link/:code': 'test/control/sign-in/login-link.test.ts',
  '/sign-out': 'test/control/sign-in/people.test.ts',
  '/sign-in/back-channel-logout': 'test/control/sign-in/provider.test.ts',
  '/sign-in/terminal': 'begins to wait, for nobody yet',
  '/sign-in/terminal/poll': 'test/control/sign-in/login.test.ts',
};

// What puts an earlier set in force comes last: the first activation is one after none.
const changing = forms
  .filter(({ path }) => typeof filledIn[path] === 'function')
  .toSorted((one, other) => Number(one.path === '/policy') - Number(other.path === '/policy'));

describe('every form of the console stands in the audit', () => {
  let rig: ControlRig;
  let people: PeopleRig;
  beforeAll(async () => {
    ({ rig, people } = await makeChangeBed());
  });
  const trailOf = async (actor: string): Promise<readonly AuditEventRecord[]> =>
    (await auditTrail(rig.deps.store, { actor }, 100)).items;
  async function press(
    { path, takesFiles }: ConsoleForm,
    at: string,
    fields: Fields,
    as: { readonly token: string } | { readonly cookie: string },
    from: Readonly<Record<string, string>> = { origin: 'http://control.example.org' },
  ): Promise<Answer> {
    const target = path.replace(/:server\/:tool/, at).replace(':id', encodeURIComponent(at));
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    for (const [name, text] of takesFiles === true ? Object.entries(policies()) : [])
      form.append('policies', new File([String(text)], name));
    const sent = new Response(takesFiles === true ? form : new URLSearchParams(fields));
    const raw = new Uint8Array(await sent.arrayBuffer());
    const headers = {
      'accept': 'text/html',
      'content-type': sent.headers.get('content-type') ?? '',
      ...from,
      ...('cookie' in as ? { cookie: as.cookie } : {}),
    };
    return rig.call('POST', target, { ...('token' in as ? { as: as.token } : {}), raw, headers });
  }
  const fill = ({ path }: ConsoleForm): ((filled: Filled) => Fields) => {
    const filled = filledIn[path];
    return typeof filled === 'function' ? filled : () => ({});
  };

  it('each way to change anything is an endpoint, a form or a door that says where it is looked at', () => {
    const verbless = new Set(
      endpoints.map(({ path }) => path.replace(/\}:[a-z-]+$/, '}').replaceAll(/\{([a-z]+)\}/gi, ':$1')),
    );
    const ways = rig.app.routes
      .filter(({ method, path }) => method !== 'GET' && path !== '/*')
      .map(({ path }) => path.replaceAll(/\{[^}]*\}/g, ''));
    const others = [...new Set(ways)].filter((path) => !verbless.has(path));
    expect(others.toSorted()).toEqual([...Object.keys(doors), ...Object.keys(filledIn)].toSorted());
    const files = new Set(
      readdirSync(join(packageRoot, 'test'), { recursive: true }).map((one) => `test/${String(one)}`),
    );
    const pages = [...Object.values(doors), ...Object.values(filledIn)].filter(
      (one) => typeof one === 'string' && one.startsWith('test/'),
    );
    for (const page of pages) {
      expect([page, files.has(String(page))]).toEqual([page, true]);
      expect(readFileSync(join(packageRoot, String(page)), 'utf8')).toMatch(/audit/i);
    }
  });

  it.each(changing)('$path: by whom, by which way, why, and what it was before and is since', async (form) => {
    const change = changes[form.asks[0]?.id ?? ''];
    if (typeof change !== 'object') throw new Error(`${form.path} asks nothing that is written down`);
    const bed: Bed = { rig, people };
    const { at = '', body } = (await change.prepare?.(bed)) ?? {};
    const [stop] = await rig.ledger.sql('SELECT scope_key FROM estop.stops WHERE stop_id = $1', [at]);
    const asked = { at, body: { ...change.body, ...body }, scopeKey: String(stop?.['scope_key']) };
    const actor = change.as.includes('@') ? change.as : `pressed-${form.path.replaceAll(/[^a-z]/g, '')}`;
    const as = change.as.includes('@') ? { cookie: await people.signIn(actor) } : { token: `${actor}@${change.as}` };
    const answer = await press(form, at, fill(form)(asked), as);
    if (form.path === '/people/make-token') secretsSaid.push(/estop_test_[\w-]+/.exec(answer.text)?.[0] ?? '');
    else expect([answer.status, answer.status === 303 ? '' : answer.text]).toEqual([303, '']);
    const entry = (await trailOf(actor)).find(({ kind }) => kind === change.kind);
    expect(entry).toMatchObject({ kind: change.kind, actor, method: 'console' });
    expect([entry?.reason ?? null, entry?.before ?? null, entry?.after ?? null]).toEqual([
      change.reason ?? null,
      change.before ?? null,
      change.after ?? null,
    ]);
  });

  it.each(changing)('$path: also where it was refused, and it changed nothing', async (form) => {
    const [endpoint] = form.asks;
    if (endpoint === undefined) throw new Error('it asks nothing');
    const change = changes[endpoint.id];
    const { at = '', body } = (typeof change === 'object' ? await change.prepare?.({ rig, people }) : undefined) ?? {};
    const allowed: readonly string[] = permissions[endpoint.permission];
    const role = allRoles.find((one) => !allowed.includes(one)) ?? '';
    const actor = `refused-${form.path.replaceAll(/[^a-z]/g, '')}`;
    const own = typeof change === 'object' ? change.body : {};
    const fields = fill(form)({ at, body: { ...own, ...body }, scopeKey: 'tool:x/y' });
    const answer = await press(form, at, fields, { token: `${actor}@${role}` });
    expect([answer.status, answer.text.length > 0]).toEqual([403, true]);
    const entries = await trailOf(actor);
    expect(entries.map(({ kind, method, detail }) => [kind, method, detail])).toEqual([
      ['request.denied', 'console', { what: endpoint.id, code: 'forbidden' }],
    ]);
  });

  it.each(forms)(
    '$path: from a page of another site, or of nobody, it is refused whoever is signed in',
    async (form) => {
      const cookie = await people.signIn('ada@example.org');
      const before = await trailOf('ada@example.org');
      for (const from of [
        { 'origin': 'https://evil.example' },
        { 'origin': 'null' },
        { 'origin': 'http://control.example.org', 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        {},
      ]) {
        const answer = await press(
          form,
          form.path.includes(':server') ? 'mail/send' : 'x',
          { scope: 'agent:billing-bot', id: 'x', name: 'x', typed: 'x' },
          { cookie },
          from,
        );
        expect([from, answer.status, field(answer.body, 'code')]).toEqual([from, 403, 'origin-refused']);
      }
      expect(await trailOf('ada@example.org')).toEqual(before);
    },
  );

  it.each(pages)('$path: cannot be framed, also where it is not found', async ({ path }) => {
    for (const as of ['viewer', 'nobody']) {
      const { headers } = await rig.call('GET', path.replaceAll(/:[a-z]+/g, 'x'), {
        as,
        headers: { accept: 'text/html' },
      });
      expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
      expect(headers.get('content-security-policy')).not.toMatch(/unsafe|\*/);
      expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
    }
  });

  it('has no secret in it', async () => {
    const { items } = await auditTrail(rig.deps.store, {}, 10_000);
    const text = JSON.stringify(items);
    expect(secretsSaid.filter((secret) => secret.length > 10).length).toBeGreaterThanOrEqual(3);
    for (const secret of secretsSaid) expect(text).not.toContain(secret);
  });
});
