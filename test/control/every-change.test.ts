import { beforeAll, describe, expect, it } from 'vitest';
import { permissions } from '../../src/control/permission.ts';
import { endpoints } from '../../src/control/routes/index.ts';
import { type AuditEventRecord, auditTrail } from '../../src/store/audit-trail.ts';
import { startTask } from '../store/ledger.ts';
import { agents, secretsSaid } from './before-a-change.ts';
import { makeChangeBed } from './change-bed.ts';
import { type Change, changes } from './every-change.ts';
import { allRoles, type ControlRig } from './rig.ts';
import type { PeopleRig } from './sign-in/people.ts';

const mutations = endpoints.filter(({ method }) => method === 'post');

describe('every change stands in the audit', () => {
  let rig: ControlRig;
  let people: PeopleRig;
  beforeAll(async () => {
    ({ rig, people } = await makeChangeBed());
  });
  const trailOf = async (actor: string): Promise<readonly AuditEventRecord[]> =>
    (await auditTrail(rig.deps.store, { actor }, 100)).items;
  const send = async (path: string, change: Change, actor: string) => {
    const { at = '', body } = (await change.prepare?.({ rig, people })) ?? {};
    const target = path.replace('{id}', encodeURIComponent(at));
    const asked = { ...change.body, ...body };
    if (change.as.includes('@')) return people.as(await people.signIn(change.as), 'POST', target, asked);
    return rig.call('POST', target, { as: `${actor}@${change.as}`, body: asked });
  };

  it('each endpoint that takes a POST says what it writes there, or why it writes nothing', () => {
    expect(Object.keys(changes).toSorted()).toEqual(mutations.map(({ id }) => id).toSorted());
  });

  it.each(mutations)('$id: by whom, by which way, why, and what it was before and is since', async ({ id, path }) => {
    const change = changes[id];
    if (typeof change !== 'object') return expect(change, `${id} writes nothing`).toEqual(expect.any(String));
    const actor = change.as.includes('@') ? change.as : `did-${id}`;
    const answer = await send(path, change, actor);
    expect([answer.status < 300, answer.text]).toEqual([true, answer.text]);
    const entry = (await trailOf(actor)).find(({ kind }) => kind === change.kind);
    expect(entry).toMatchObject({ kind: change.kind, actor, method: 'api' });
    expect([entry?.reason ?? null, entry?.before ?? null, entry?.after ?? null]).toEqual([
      change.reason ?? null,
      change.before ?? null,
      change.after ?? null,
    ]);
    expect(entry?.before).not.toEqual(entry?.after);
  });

  it.each(mutations)('$id: also where it was refused', async ({ id, path, permission }) => {
    const allowed: readonly string[] = permissions[permission];
    const role = allRoles.find((one) => !allowed.includes(one)) ?? '';
    const answer = await rig.call('POST', path.replace('{id}', 'x'), { as: `tried-${id}@${role}`, body: {} });
    expect(answer.status).toBe(403);
    const [entry] = await trailOf(`tried-${id}`);
    expect(entry).toMatchObject({ kind: 'request.denied', method: 'api', detail: { what: id, code: 'forbidden' } });
    expect([entry?.before, entry?.after]).toEqual([undefined, undefined]);
  });

  it('says whether it was a page, the command line, or a role that was taken for a while', async () => {
    const { taskId } = await startTask(rig.ledger, agents[0]);
    const verb = (name: string, as: string, headers: Record<string, string> = {}) =>
      rig.call('POST', `/v1/tasks/${taskId}:${name}`, { as, body: {}, headers });
    expect((await verb('hold', 'clara@operator', { 'estop-client': 'cli' })).status).toBe(200);
    expect((await verb('release', 'clara@operator~elevated', { 'estop-client': 'anything' })).status).toBe(200);
    const cookie = await people.signIn('olga@example.org');
    const page = await rig.call('POST', `/tasks/${taskId}/hold`, {
      raw: new URLSearchParams({ reason: '<b>odd</b>  calls' }).toString(),
      headers: { cookie, origin: 'http://control.example.org', 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(page.status).toBe(303);
    const { items } = await auditTrail(rig.deps.store, { subject: taskId, kind: 'task.' }, 10);
    expect(items.map(({ actor, method, reason }) => [actor, method, reason])).toEqual([
      ['olga@example.org', 'console', '<b>odd</b> calls'],
      ['clara', 'api+break-glass', undefined],
      ['clara', 'cli', undefined],
      ['rita', 'control', undefined],
    ]);
    const shown = await rig.call('GET', `/audit?subject=${taskId}`, { headers: { cookie } });
    for (const words of ['&lt;b&gt;odd&lt;/b&gt; calls', 'held: no → yes', 'held: yes → no', 'cli', 'api+break-glass'])
      expect(shown.text).toContain(words);
    expect(shown.text).not.toContain('<b>odd');
    const task = await rig.call('GET', `/tasks/${taskId}`, { headers: { cookie } });
    expect(task.text).toContain('held: &lt;b&gt;odd');
  });

  it('has no secret in it', async () => {
    const { items } = await auditTrail(rig.deps.store, {}, 10_000);
    const text = JSON.stringify(items);
    expect(secretsSaid.length).toBeGreaterThanOrEqual(3);
    for (const secret of secretsSaid) expect(text).not.toContain(secret);
  });
});
