import { Client } from 'pg';
import { beforeAll, expect, inject, it } from 'vitest';
import { stopHintChannel } from '../../src/contract/names.ts';
import { getStop, resetStop } from '../../src/store/stops.ts';
import { createDatabase } from '../kit/postgres.ts';
import { requires } from '../kit/requires.ts';
import { until } from '../revocation/rig.ts';
import { fence, type Ledger, makeLedger, newId } from '../store/ledger.ts';
import { type StopProcess, startStopProcess } from './stop-process.ts';

requires('temporal')('a stop sent over HTTP', () => {
  let ledger: Ledger;
  let stops: StopProcess;
  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
    stops = await startStopProcess(ledger.urls.estop_stop, inject('temporalAddress'));
    await until(async () => (await stops.get('/readyz')).body['latch'] === 'ok');
  });

  it('is latched, and the answer says which stop it is, with its epoch', async () => {
    const stopId = newId('stop');
    const { status, body } = await stops.send({
      stopId,
      scopeKey: 'agent:billing-bot',
      category: 1,
      reason: 'too many refunds',
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      state: 'latched',
      stopId,
      scopeKey: 'agent:billing-bot',
      category: 1,
      graceMs: 3_000,
      fresh: true,
    });
    const recorded = await getStop(ledger.as('estop_control'), stopId);
    expect(recorded).toMatchObject({ epoch: body['epoch'], actor: 'olga', reason: 'too many refunds', method: 'api' });
  });

  it('sent again under its id is the same stop with the same receipt, also many times at once', async () => {
    const request = { stopId: newId('stop'), scopeKey: 'agent:repeated' };
    const answers = await Promise.all(Array.from({ length: 20 }, () => stops.send(request)));
    expect(new Set(answers.map(({ body }) => body['epoch'])).size).toBe(1);
    expect(answers.filter(({ body }) => body['fresh'] === true)).toHaveLength(1);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
  });

  it('under the id of another stop is refused, and both are told apart', async () => {
    const stopId = newId('stop');
    await stops.send({ stopId, scopeKey: 'agent:one' });
    const { status, body } = await stops.send({ stopId, scopeKey: 'agent:two' });
    expect([status, body['code']]).toEqual([409, 'conflict']);
    expect(body['detail']).toContain('agent:one');
    expect((await stops.send({ stopId, scopeKey: 'agent:one', category: 1 })).status).toBe(409);
  });

  it('sent again after it was reset is refused: nothing is in force under that id', async () => {
    const request = { stopId: newId('stop'), scopeKey: 'agent:reset-since' };
    await stops.send(request);
    await fence(ledger, request.stopId);
    await resetStop(ledger.as('estop_control'), { stopId: request.stopId, actor: 'olga', reason: 'over' });
    const { status, body } = await stops.send(request);
    expect([status, body['code']]).toEqual([409, 'conflict']);
    expect(body['detail']).toContain('was reset');
  });

  it('is not looked up before it is latched: an unknown agent or task is stopped like any other', async () => {
    const { body } = await stops.send({ scopeKey: `task:${newId('task')}` });
    expect(body['state']).toBe('latched');
  });

  it('wakes whoever listens, after the commit', async () => {
    const listener = new Client({ connectionString: ledger.urls.estop_revoker });
    await listener.connect();
    await listener.query(`LISTEN ${stopHintChannel}`);
    const hinted = new Promise((resolve) => void listener.once('notification', ({ payload }) => resolve(payload)));
    const { body } = await stops.send({ scopeKey: 'agent:hinted' });
    expect(await hinted).toBe(String(body['epoch']));
    await listener.end();
  });

  it.each([
    ['a viewer', 'vera', 403, 'forbidden'],
    ['an approver', 'paul', 403, 'forbidden'],
    ['a backend service', 'backend', 403, 'forbidden'],
    ['an agent', 'robot', 403, 'forbidden'],
    ['nobody we know', 'mallory', 401, 'unauthenticated'],
  ])('is refused from %s', async (_who, token, status, code) => {
    const answer = await stops.send({ scopeKey: 'fleet' }, token);
    expect([answer.status, answer.body['code']]).toEqual([status, code]);
  });

  it('is taken from an agent worker for one task, at once, with whom it speaks for as a claim', async () => {
    const taskId = newId('task');
    const asked = { scopeKey: `task:${taskId}`, method: 'api', onBehalfOf: 'signal:Eve\u001b[2J', graceMs: 5_000 };
    const { status, body } = await stops.send(asked, 'robot');
    expect([status, body['state']]).toEqual([200, 'latched']);
    expect(await getStop(ledger.as('estop_control'), String(body['stopId']))).toMatchObject({
      actor: 'signal:Eve [2J',
      method: 'signal',
      category: 0,
      graceMs: 0,
    });
    const unmarked = await stops.send({ scopeKey: `task:${taskId}`, onBehalfOf: 'Olga' }, 'robot');
    expect((await getStop(ledger.as('estop_control'), String(unmarked.body['stopId'])))?.actor).toBe('robot');
  });

  it.each([
    ['an agent', { scopeKey: 'agent:a' }],
    ['a tool', { scopeKey: 'tool:billing/refund' }],
    ['a label', { scopeKey: 'label:team=billing' }],
    ['a task, but later', { scopeKey: 'task:task_test_00000000000000000000000000', category: 1 }],
  ])('of %s is refused from an agent worker', async (_what, request) => {
    const answer = await stops.send(request, 'robot');
    expect([answer.status, answer.body['code']]).toEqual([403, 'forbidden']);
  });

  it('of whoever is no worker is in nobody else’s name', async () => {
    const { body } = await stops.send({ scopeKey: 'agent:claimed', onBehalfOf: 'signal:Eve' });
    expect((await getStop(ledger.as('estop_control'), String(body['stopId'])))?.actor).toBe('olga');
  });

  it('is taken from an administrator', async () => {
    expect((await stops.send({ scopeKey: 'agent:administered' }, 'adam')).status).toBe(200);
  });

  it.each([
    ['no body', '', 400, 'invalid-json'],
    ['half a body', '{"scopeKey":', 400, 'invalid-json'],
    ['a list', '[]', 422, 'invalid-input'],
    ['no scope', {}, 422, 'invalid-input'],
    ['an empty scope', { scopeKey: '' }, 422, 'invalid-input'],
    ['two scopes', { scopeKey: 'fleet', scope: 'agent:a' }, 422, 'invalid-input'],
    ['a scope that looks like another', { scopeKey: 'agent:bіlling-bot' }, 422, 'invalid-input'],
    ['a scope with control characters', { scopeKey: 'agent:a\u001b[2J' }, 422, 'invalid-input'],
    ['a scope like a path', { scopeKey: 'agent:../../etc' }, 422, 'invalid-input'],
    ['a task of another environment', { scopeKey: 'task:task_prod_00000000000000000000000000' }, 422, 'invalid-input'],
    [
      'a stop id of another environment',
      { scopeKey: 'fleet', stopId: 'stop_prod_00000000000000000000000000' },
      422,
      'invalid-input',
    ],
    ['a category that is none', { scopeKey: 'fleet', category: 2 }, 422, 'invalid-input'],
    ['a grace without end', { scopeKey: 'fleet', category: 1, graceMs: 1e12 }, 422, 'invalid-input'],
    ['a body of 1 MB', JSON.stringify({ scopeKey: 'fleet', reason: 'x'.repeat(1_000_000) }), 413, 'body-too-large'],
  ])('with %s is refused and latches nothing', async (_what, request, status, code) => {
    const [before] = await ledger.sql('SELECT count(*) AS stops FROM estop.stops');
    const answer = await stops.send(request);
    expect([answer.status, answer.body['code']]).toEqual([status, code]);
    expect(await ledger.sql('SELECT count(*) AS stops FROM estop.stops')).toEqual([before]);
  });

  it('is not refused for its reason, whatever is in it', async () => {
    const stopId = newId('stop');
    await stops.send({ stopId, scopeKey: 'agent:odd', reason: `nul \0 lone \ud800 long ${'y'.repeat(5_000)}` });
    const reason = (await getStop(ledger.as('estop_control'), stopId))?.reason;
    expect(reason).toMatch(/^nul {2}lone \ufffd long y+$/);
    expect(reason).toHaveLength(500);
  });

  it('is not found under a path that is none', async () => {
    expect((await stops.get('/v1/agents')).status).toBe(404);
    expect((await stops.get('/v1/stops')).status).toBe(405);
    expect((await stops.get('/livez')).body).toEqual({ status: 'ok' });
  });

  it('uses another connection where one hangs, and is not accepted only', async () => {
    const blocker = await ledger.session();
    await blocker.query('BEGIN');
    await blocker.query('SELECT 1 FROM estop.latch_order FOR UPDATE');
    const slow = stops.send({ scopeKey: 'agent:slow' });
    expect((await slow).body['state']).toBe('accepted');
    await blocker.query('ROLLBACK');
    expect((await stops.send({ scopeKey: 'agent:quick' })).body['state']).toBe('latched');
    // The accepted one is pursued at the store as well, by this very process: no worker runs here.
    await until(
      async () => (await ledger.sql("SELECT 1 FROM estop.stops WHERE scope_key = 'agent:slow'")).length === 1,
    );
  });

  it('survives that all its connections are cut', async () => {
    await ledger.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'estop-stop-test' AND datname = current_database()",
    );
    const { status, body } = await stops.send({ scopeKey: 'agent:reconnected' });
    expect(['latched', 'accepted']).toContain(body['state']);
    expect([200, 202]).toContain(status);
    await until(
      async () => (await ledger.sql("SELECT 1 FROM estop.stops WHERE scope_key = 'agent:reconnected'")).length === 1,
    );
  });
});
