import { beforeAll, expect, it } from 'vitest';
import { errorCodeOf } from '../../src/core/errors.ts';
import { agentKey } from '../../src/core/scope-key.ts';
import { appendAudit, listAudit } from '../../src/store/audit.ts';
import { auditTrail, auditTrailQuery } from '../../src/store/audit-trail.ts';
import { byWay } from '../../src/store/by-way.ts';
import { currentConfig, recordConfig } from '../../src/store/config-versions.ts';
import { storeIdentity } from '../../src/store/installation.ts';
import { openStore } from '../../src/store/pool.ts';
import { previewStop } from '../../src/store/preview.ts';
import { beginRequest, finishRequest, pruneRequests } from '../../src/store/requests.ts';
import { pruneRows } from '../../src/store/retention.ts';
import { listenForStops, sendStopHint } from '../../src/store/stop-hints.ts';
import { storeError, wasUndone } from '../../src/store/store-error.ts';
import { getTask, setTaskHeld } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import { addAgent, digestOf, type Ledger, makeLedger, newName, startChild, startTask } from './ledger.ts';

const staleMs = 60_000;

onEveryPostgres('records of the store', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  guarded(
    () => ledger,
    'a request under one key is done once, however often it is sent',
    async (l) => {
      const control = l.as('estop_control');
      const request = { actor: 'olga', key: newName('key'), hash: digestOf('body'), staleMs };
      const starts = await Promise.all(Array.from({ length: 10 }, () => beginRequest(control, request)));
      expect(starts.filter((one) => one.kind === 'fresh')).toHaveLength(1);
      expect(starts.filter((one) => one.kind === 'in-flight')).toHaveLength(9);
      await finishRequest(control, { ...request, status: 202, response: { stopId: 'x' } });
      expect(await beginRequest(control, request)).toEqual({ kind: 'replay', status: 202, response: { stopId: 'x' } });
      expect(await beginRequest(control, { ...request, hash: digestOf('another body') })).toEqual({ kind: 'mismatch' });
      expect((await beginRequest(control, { ...request, actor: 'sam' })).kind).toBe('fresh');
      await finishRequest(control, { ...request, status: 500 });
      expect(await beginRequest(control, request)).toMatchObject({ kind: 'replay', status: 202 });
    },
    {
      what: 'the hash of the request',
      in: 'estop.begin_request',
      find: 'IF known.request_hash <> p_hash THEN',
      put: 'IF false THEN',
    },
    {
      what: 'the first answer standing',
      in: 'estop.finish_request',
      find: /(SET status = p_status[\s\S]*?) AND k\.status IS NULL/,
      put: '$1',
    },
  );

  it('a request that never finished is taken over, and one that failed in passing starts afresh', async () => {
    const control = ledger.as('estop_control');
    const request = { actor: 'olga', key: newName('key'), hash: digestOf('body'), staleMs };
    await beginRequest(control, request);
    await ledger.sql(`UPDATE estop.idempotency_keys SET begun_at = begun_at - interval '2 min' WHERE key = $1`, [
      request.key,
    ]);
    expect((await beginRequest(control, request)).kind).toBe('fresh');
    expect((await beginRequest(control, request)).kind).toBe('in-flight');
    await finishRequest(control, { actor: request.actor, key: request.key });
    expect((await beginRequest(control, request)).kind).toBe('fresh');
    await ledger.sql(`UPDATE estop.idempotency_keys SET begun_at = begun_at - interval '25 h' WHERE key = $1`, [
      request.key,
    ]);
    expect(await pruneRequests(control, 24 * 3_600_000)).toBe(1);
  });

  it("the audit is appended in the store's order and time, and cannot be changed by who writes it", async () => {
    const control = ledger.as('estop_control');
    const subject = newName('subject');
    for (const kind of ['first', 'second', 'third']) await appendAudit(control, { kind, actor: 'olga', subject });
    const page = await listAudit(control, { subject, limit: 2 });
    const rest = await listAudit(control, {
      subject,
      limit: 2,
      ...(page.next === undefined ? {} : { cursor: page.next }),
    });
    expect([...page.items, ...rest.items].map((entry) => entry.kind)).toEqual(['third', 'second', 'first']);
    for (const statement of [
      'UPDATE estop.audit SET actor = $1',
      'DELETE FROM estop.audit WHERE actor = $1',
      'INSERT INTO estop.audit (kind, actor, subject) VALUES ($1, $1, $1)',
    ]) {
      await expect(control.query(statement, ['x'])).rejects.toThrow(/permission denied/);
    }
  });

  it('what one actor did is found without reading what everybody did', async () => {
    await ledger.sql(
      `INSERT INTO estop.audit (kind, actor, subject) SELECT 'test.happened', 'crowd', 'of-many' FROM generate_series(1, 20000)`,
    );
    await ledger.sql(
      `INSERT INTO estop.tasks (task_id, agent_id, root_id, ancestors, agents, keys, epoch, depth, purpose, kind, requested_by, state)
       SELECT 'many-' || n, 'many', 'many-' || n, '{}', '{}', '{}', 0, 0, '', 'task', 'crowd', 'closed' FROM generate_series(1, 20000) n`,
    );
    for (const table of ['audit', 'tasks']) await ledger.sql(`ANALYZE estop.${table}`);
    const control = ledger.as('estop_control');
    const planOf = async (filter: Parameters<typeof auditTrailQuery>[0]) => {
      const { text, values } = auditTrailQuery(filter, 51);
      return JSON.stringify((await control.query(`EXPLAIN (FORMAT JSON) ${text}`, [...values])).rows);
    };
    const ofOne = await planOf({ actor: 'nobody-much' });
    for (const index of ['audit_by_actor', 'tasks_by_requester']) expect(ofOne).toContain(`"Index Name":"${index}"`);
    // Of everybody's the newest page, and the page after it: by time, and never all of it.
    for (const filter of [{}, { cursor: Buffer.from('["2026-01-01T00:00:00Z","a1"]').toString('base64url') }])
      expect(await planOf(filter)).toContain('"Index Name":"audit_by_time"');
    for (const plan of [ofOne, await planOf({})])
      expect(plan).not.toMatch(/"Seq Scan"[^{}]*"Relation Name":"(?:audit|tasks)"/);
    await ledger.sql(`DELETE FROM estop.tasks WHERE agent_id = 'many'`);
  });

  it('what is done says by which way it was asked for, and leaves that to nobody who uses the connection after', async () => {
    const agent = await addAgent(ledger);
    const { taskId } = await startTask(ledger, agent);
    // One connection: whatever is left on it, the next one finds.
    const control = openStore({ url: ledger.urls.estop_control, applicationName: 'by-way', max: 1 });
    try {
      await setTaskHeld(byWay(control, 'console'), taskId, true, 'olga', 'looks odd');
      await setTaskHeld(byWay(control, 'cli', true), taskId, false, 'otto');
      await setTaskHeld(control, taskId, true, 'oscar');
      await expect(byWay(control, 'api').query('SELECT estop.hold_task(1/0)')).rejects.toThrow();
      await appendAudit(ledger.as('estop_trusted'), { kind: 'test.happened', actor: 'worker', subject: taskId });
    } finally {
      await control.end();
    }
    const { items } = await auditTrail(ledger.as('estop_control'), { subject: taskId }, 10);
    expect(items.map(({ actor, method, reason, before, after }) => [actor, method, reason, before, after])).toEqual([
      ['worker', 'worker', undefined, undefined, undefined],
      ['oscar', 'control', undefined, { held: false }, { held: true }],
      ['otto', 'cli+break-glass', undefined, { held: true }, { held: false }],
      ['olga', 'console', 'looks odd', { held: false }, { held: true }],
      ['rita', 'control', undefined, undefined, expect.objectContaining({ state: 'registered' })],
    ]);
  });

  guarded(
    () => ledger,
    'attempts of strangers are counted for their time, and for no longer',
    async (l) => {
      await l.sql('DELETE FROM estop.refused_attempts');
      for (const [source, days] of [
        ['long ago', 91],
        ['lately', 89],
      ] as const)
        await l.sql(
          `INSERT INTO estop.refused_attempts (door, source, subject, because, minute, first_at, last_at, times)
             SELECT 'api', $1, 'a stop', 'forbidden', t, t, t, 7 FROM (SELECT clock_timestamp() - make_interval(days => $2) AS t) x`,
          [source, days],
        );
      await pruneRows(l.as('estop_revoker'), { olderMs: 90 * 86_400_000, atMost: 100 });
      expect(await l.sql('SELECT source FROM estop.refused_attempts')).toEqual([{ source: 'lately' }]);
    },
    { what: 'their age', in: 'estop.prune_rows', find: 'WHERE r.first_at < before LIMIT', put: 'LIMIT' },
  );

  it('a configuration is recorded once for as long as it stays, and again when it comes back', async () => {
    const control = ledger.as('estop_control');
    const first = await recordConfig(control, 'olga', 'a', { v: 1 });
    expect(await recordConfig(control, 'olga', 'a', { v: 1 })).toBe(first);
    const second = await recordConfig(control, 'olga', 'b', { v: 2 });
    const third = await recordConfig(control, 'sam', 'a', { v: 1 });
    expect([second > first, third > second]).toEqual([true, true]);
    expect(await currentConfig(control)).toMatchObject({ version: third, actor: 'sam', digest: 'a' });
    const { items } = await auditTrail(control, { subject: 'configuration' }, 2);
    expect(items).toMatchObject([
      {
        kind: 'configuration.applied',
        actor: 'sam',
        before: { version: second, digest: 'b' },
        after: { version: third },
      },
      { actor: 'olga', before: { version: first, digest: 'a' }, after: { version: second, digest: 'b' } },
    ]);
  });

  it('a preview counts what a stop would reach, and says so when it cannot', async () => {
    const agent = await addAgent(ledger);
    const root = await startTask(ledger, agent);
    await startChild(ledger, root, agent, agent);
    const control = ledger.as('estop_control');
    expect(await previewStop(control, agentKey(agent.agentId))).toMatchObject({
      kind: 'known',
      openTasks: 2,
      agents: 1,
      openGrants: 0,
      openCalls: 0,
    });
    expect(await previewStop(control, agentKey('nobody'))).toMatchObject({ kind: 'known', openTasks: 0, examples: [] });
    expect(await previewStop(ledger.as('estop_gateway'), 'fleet')).toEqual({ kind: 'unknown' });
  });

  it('a hint wakes who listens, and is heard again after a lost connection', async () => {
    const name = newName('listener');
    const listening = openStore({ url: ledger.urls.estop_revoker, applicationName: name, max: 1 });
    let heard = 0;
    let wake: (() => void) | undefined;
    const next = async (atLeast: number): Promise<void> => {
      while (heard < atLeast) await new Promise<void>((resolve) => (wake = resolve));
    };
    const listener = listenForStops(
      listening,
      () => {
        heard += 1;
        wake?.();
      },
      10,
    );
    try {
      await next(1); // connected
      await sendStopHint(ledger.as('estop_stop'), 1);
      await next(2);
      await ledger.sql('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [name]);
      await next(3); // connected again
      await sendStopHint(ledger.as('estop_stop'), 2);
      await next(4);
    } finally {
      listener.close();
      await listening.end();
    }
  });

  it('a store that is not there, or not ours to enter, is unavailable, whatever the driver called it', async () => {
    const gone = openStore({
      url: 'postgres://estop_control:x@127.0.0.1:1/estop',
      applicationName: 'gone',
      max: 1,
      connectTimeoutMs: 500,
    });
    await expect(getTask(gone, 'x')).rejects.toMatchObject({ code: 'store-unavailable' });
    await gone.end();
    const wrong = new URL(ledger.urls.estop_control);
    wrong.password = 'wrong';
    const locked = openStore({ url: wrong.href, applicationName: 'locked', max: 1 });
    await expect(storeIdentity(locked)).rejects.toMatchObject({ code: 'store-unavailable' });
    await locked.end();
    for (const [thrown, code] of [
      [{ code: '57014' }, 'store-unavailable'],
      [{ code: '55P03' }, 'store-unavailable'],
      [{ code: 'ECONNRESET' }, 'store-unavailable'],
      [new Error('Connection terminated unexpectedly'), 'store-unavailable'],
      [{ code: '42703' }, 'internal'],
      [{ code: '23505' }, 'conflict'],
      [undefined, 'store-unavailable'],
    ] as const) {
      expect(errorCodeOf(storeError(thrown))).toBe(code);
    }
  });

  it('a broken pipe is the driver speaking, and no server that says that it undid a statement', () => {
    for (const code of ['EPIPE', 'ECONNRESET']) expect(wasUndone(storeError({ code }))).toBe(false);
    for (const code of ['23505', '40P01', '55P03', 'ES003']) expect(wasUndone(storeError({ code }))).toBe(true);
  });

  it('a statement that outlasts its client-side limit gives its connection up and the next one works', async () => {
    const store = openStore({
      url: ledger.urls.estop_revoker,
      applicationName: newName('slow'),
      max: 1,
      queryTimeoutMs: 200,
    });
    await expect(store.query('SELECT pg_sleep(5)')).rejects.toThrow(/timeout/);
    expect((await storeIdentity(store)).environment).toBe('test');
    await store.end();
  });
});
