import { beforeAll, describe, expect, it } from 'vitest';
import { AuditPage } from '../../src/contract/http/audit.ts';
import { createRefusedAttempts } from '../../src/control/refused-attempts.ts';
import { appendAudit } from '../../src/store/audit.ts';
import { addAgent, newId, newName, startChild, startTask, stop } from '../store/ledger.ts';
import { type ControlRig, field, makeControl } from './rig.ts';

describe('the audit over HTTP', () => {
  let rig: ControlRig;
  beforeAll(async () => {
    rig = await makeControl();
  });
  const append = (subject: string, kind = 'test.happened', actor = 'olga', detail = {}) =>
    appendAudit(rig.ledger.as('estop_control'), { kind, actor, subject, detail });
  const list = async (query: string) => {
    const answer = await rig.call('GET', `/v1/audit?${query}`, { as: 'viewer' });
    expect(answer.status).toBe(200);
    return AuditPage.parse(answer.body);
  };

  it('has stops among it, and what was refused, by who did it', async () => {
    const { stopId } = await stop(rig.ledger, 'agent:billing-bot');
    await rig.call('POST', `/v1/stops/${stopId}:reset`, { as: 'vera@viewer', body: { reason: 'x' } });
    const { items } = await list(`subject=${stopId}`);
    const change = { before: { inForce: false }, after: { inForce: true } };
    expect(items).toMatchObject([
      {
        kind: 'stop.latched',
        actor: 'olga',
        method: 'api',
        reason: 'a test',
        ...change,
        detail: { scope: 'agent:billing-bot' },
      },
    ]);
    expect((await list('kind=request.&actor=vera')).items).toMatchObject([
      { method: 'api', before: null, after: null, detail: { what: 'resetStop', code: 'forbidden' } },
    ]);
  });

  it('has tasks and sessions among it, by who asked for them, and not what a task started by itself', async () => {
    const childSpec = await addAgent(rig.ledger);
    const parentSpec = await addAgent(rig.ledger, { mayStart: [childSpec.agentId] });
    const task = await startTask(rig.ledger, parentSpec);
    const child = await startChild(rig.ledger, task, parentSpec, childSpec);
    expect((await list(`subject=${task.taskId}`)).items).toMatchObject([
      { kind: 'task.started', actor: 'rita', detail: { kind: 'task', agent: parentSpec.agentId } },
    ]);
    expect((await list(`subject=${child.taskId}`)).items).toEqual([]);
    await rig.ledger.sql("UPDATE estop.tasks SET kind = 'session' WHERE task_id = $1", [task.taskId]);
    expect((await rig.call('POST', `/v1/tasks/${task.taskId}:close`, { as: 'olga@operator' })).status).toBe(200);
    expect((await list(`subject=${task.taskId}`)).items).toMatchObject([
      { kind: 'session.close-asked', actor: 'olga' },
      { kind: 'task.started', actor: 'rita', detail: { kind: 'session' } },
    ]);
  });

  it('a flood from everywhere is a few lines, and what the store could not take is counted when it is back', async () => {
    await rig.ledger.sql('DELETE FROM estop.refused_attempts');
    let isAway = true;
    let tries = 0;
    const query = (...asked: unknown[]): unknown =>
      isAway ? Promise.reject(new Error(`gone ${(tries += 1)}`)) : rig.deps.store.query(...(asked as [never])); // handed on as it came
    const store = new Proxy(rig.deps.store, {
      get: (pool, key) => (key === 'query' ? query : Reflect.get(pool, key, pool)),
    });
    const refused = createRefusedAttempts({ store, log: rig.deps.log }, 20);
    const attempt = { door: 'api', subject: '/v1/stops/{id}:reset', because: 'unauthenticated' } as const;
    const flood = () => {
      for (let index = 0; index < 5_000; index += 1)
        refused.note({ ...attempt, source: `10.0.${index >> 8}.${index & 255}` });
    };
    flood();
    await expect.poll(() => tries, { timeout: 20_000 }).toBeGreaterThanOrEqual(2);
    flood();
    isAway = false;
    const [rows, times] = ['count(*)', 'coalesce(sum(times), 0)'].map((what) => async () => {
      const [row] = await rig.ledger.sql(`SELECT ${what}::int AS n FROM estop.refused_attempts`);
      return row?.['n'];
    });
    await expect.poll(() => times?.(), { timeout: 20_000 }).toBe(10_000);
    expect(await rows?.()).toBeLessThanOrEqual(2 * 21);
    const late = rig.logged.filter(({ fields }) => 'event' in fields && fields.event === 'audit.late');
    expect(late).toHaveLength(1);
    const { items } = await list('kind=attempt.refused&actor=others');
    expect(items[0]).toMatchObject({ method: 'api', subject: 'various', before: null, after: null });
  });

  it('of somebody who is refused without end, has the first ones whole and counts the others', async () => {
    await rig.ledger.sql('DELETE FROM estop.refused_attempts');
    const path = `/v1/stops/${newId('stop')}:reset`;
    const tries = Array.from({ length: 150 }, () =>
      rig.call('POST', path, { as: 'nele@viewer', body: { reason: 'x' } }),
    );
    expect(new Set((await Promise.all(tries)).map(({ status }) => status))).toEqual(new Set([403]));
    const count = async (sql: string): Promise<number> => Number((await rig.ledger.sql(sql))[0]?.['n']);
    const whole = () =>
      count("SELECT count(*)::int AS n FROM estop.audit WHERE kind = 'request.denied' AND actor = 'nele'");
    const counted = () =>
      count("SELECT coalesce(sum(times), 0)::int AS n FROM estop.refused_attempts WHERE source = 'nele'");
    await expect.poll(async () => (await whole()) + (await counted()), { timeout: 20_000 }).toBe(150);
    // Twice as many where a minute ended in between.
    expect(await whole()).toBeLessThanOrEqual(120);
  });

  it('has what was asked of it by nobody who is known, and by pages of other sites; whoever shows nothing and looks has tried nothing', async () => {
    await rig.ledger.sql('DELETE FROM estop.refused_attempts');
    const path = `/v1/stops/${newId('stop')}:reset`;
    await rig.call('POST', path, { as: 'made-up', body: { reason: 'x' } });
    await rig.call('POST', path, {
      as: 'operator',
      body: { reason: 'x' },
      headers: { origin: 'https://evil.example' },
    });
    await rig.call('GET', '/v1/tasks', { as: 'made-up' });
    await rig.call('GET', '/v1/stops');
    const seen = async () =>
      (await list('kind=attempt.refused')).items.map(
        ({ subject, detail }) => `${subject} ${String(detail['because'])}`,
      );
    await expect
      .poll(async () => (await seen()).toSorted(), { timeout: 20_000 })
      .toEqual(['/v1/stops/{id}:reset unauthenticated', '/v1/tasks unauthenticated', 'control origin-refused']);
  });

  it('pages without a gap and without a double, also where events share an instant', async () => {
    const subject = newName('paged');
    for (const number of Array.from({ length: 7 }, (_, index) => index))
      await append(subject, 'test.happened', 'olga', { number });
    await rig.ledger.sql("UPDATE estop.audit SET at = '2026-01-01T00:00:00Z' WHERE subject = $1", [subject]);
    const seen: unknown[] = [];
    let cursor = '';
    do {
      const page = await list(`subject=${subject}&limit=2${cursor}`);
      seen.push(...page.items.map(({ detail }) => detail['number']));
      cursor = page.next === null ? '' : `&cursor=${page.next}`;
    } while (cursor !== '');
    expect(seen).toEqual([6, 5, 4, 3, 2, 1, 0]);
  });

  it('is bounded by time, and refuses what is none', async () => {
    const subject = newName('timed');
    await append(subject);
    expect((await list(`subject=${subject}&since=2020-01-01T00:00:00Z`)).items).toHaveLength(1);
    expect((await list(`subject=${subject}&until=2020-01-01T00:00:00Z`)).items).toHaveLength(0);
    const wrong = await rig.call('GET', '/v1/audit?since=yesterday', { as: 'viewer' });
    expect([wrong.status, field(wrong.body, 'errors', 0, 'pointer')]).toEqual([422, 'since']);
  });

  it('leaves as CSV in which nothing is a formula and every event is one line', async () => {
    const subject = newName('formula');
    const hostile = [
      '=HYPERLINK("http://evil.example";"x")',
      '+1',
      '-1',
      '@SUM(A1)',
      '\t=1',
      'a\r\nb,"c"',
      '\u202Egnp',
    ];
    for (const actor of hostile) await append(subject, 'test.happened', actor);
    const answer = await rig.call('GET', `/v1/audit/export?format=csv&subject=${subject}`, { as: 'viewer' });
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="estop-audit.csv"');
    const [head, ...lines] = answer.text.split('\r\n');
    expect(head).toBe('at,kind,actor,method,subject,reason,before,after,detail');
    expect(lines).toHaveLength(hostile.length + 1);
    const actors = lines.slice(0, -1).map((line) => /^"[^"]*","test\.happened","((?:[^"]|"")*)"/.exec(line)?.[1]);
    for (const actor of actors) expect(actor).not.toMatch(/^\s*[=+\-@]/);
    expect(answer.text).not.toMatch(/[\t\u202e]|[^\r]\n/);
  });

  it('leaves as lines of JSON that say exactly what was kept', async () => {
    const subject = newName('lines');
    await append(subject, 'test.happened', 'olga', { text: 'two\nlines' });
    const answer = await rig.call('GET', `/v1/audit/export?subject=${subject}`, { as: 'viewer' });
    const lines = answer.text.trimEnd().split('\n');
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([{ subject, detail: { text: 'two\nlines' } }]);
  });
});
