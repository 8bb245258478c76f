import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { EstopError } from '../../src/core/errors.ts';
import { getForLane, listGrants } from '../../src/store/grants.ts';
import { latch } from '../../src/store/latch.ts';
import { requires } from '../kit/requires.ts';
import { agentSpec, type Stack, startStack, type TaskHandle } from './kit.ts';
import { steeredConnector } from './steered-connector.ts';
import { expectStopped, taskIdOf, until } from './watch.ts';

requires('temporal')('the grants of a task', () => {
  let stack: Stack;
  const connector = steeredConnector();
  const issues = connector.issue;
  beforeAll(async () => {
    const grant = (name: string) => ({ name, connector: 'db', lifeMs: 60_000, options: { role: 'reader' } });
    stack = await startStack({
      agents: [
        agentSpec('one-grant', { grants: [grant('db')] }),
        agentSpec('trapped', { grants: [grant('trap')] }),
        agentSpec('two-grants', { grants: [grant('db'), grant('queue')] }),
      ],
      connectors: connector.directory,
      scripts: { 'talks': [{ say: 'done' }], 'thinks': [{ hang: true }] },
    });
  });
  afterAll(() => stack.stop());
  beforeEach(() => {
    connector.issue = issues;
    connector.asked.length = 0;
    connector.cuts.length = 0;
  });

  it('are intended in the ledger, with handle and end, before the issuer is asked, and sealed when it has answered', async () => {
    const atIssue: unknown[] = [];
    connector.issue = async (grant) => {
      atIssue.push(await grantRow(grant.grantId));
      return { password: 'secret-of-grant' };
    };
    const handle = await stack.start('talks', { agentId: 'two-grants' });
    expect(await handle.result()).toMatchObject({ outcome: 'done' });
    expect(atIssue).toMatchObject([{ state: 'intended', handle: { role: expect.any(String) } }, { state: 'intended' }]);
    expect(connector.asked.map(({ absoluteEnd, secret }) => [Date.parse(absoluteEnd) > Date.now(), secret])).toEqual([
      [true, undefined],
      [true, undefined],
    ]);
    const { items } = await listGrants(stack.ledger.control, { taskId: taskIdOf(handle) });
    expect(new Set(items.map(({ name, state }) => `${name} ${state}`))).toEqual(new Set(['db issued', 'queue issued']));
    const { sealed } = (await getForLane(stack.ledger.revoker, items[0]?.grantId ?? '')) ?? {};
    expect(sealed?.length).toBeGreaterThan(20);
    expect(Buffer.from(sealed ?? []).toString('latin1')).not.toContain('secret-of');
    expect(await timelineOf(handle)).toContain('began; grant db; grant queue');
  });

  it('that cannot be had are missing; each try leaves its own intended row for the revocation, and the task runs on', async () => {
    connector.issue = () => Promise.reject(new EstopError('connector-unavailable', { detail: 'down' }));
    const handle = await stack.start('talks', { agentId: 'one-grant' });
    expect(await handle.result()).toMatchObject({ outcome: 'done' });
    expect(await timelineOf(handle)).toContain('began; no grant db (connector-unavailable)');
    const { items } = await listGrants(stack.ledger.control, { taskId: taskIdOf(handle) });
    expect(items.map(({ state, askedAt }) => [state, askedAt === undefined])).toEqual([
      ['intended', false],
      ['intended', false],
      ['intended', false],
    ]);
    expect(new Set(items.map(({ grantId }) => grantId)).size).toBe(3);
  });

  it('are issued once: an attempt whose answer was lost is not repeated under its id', async () => {
    let attempts = 0;
    connector.issue = async (grant) => {
      attempts += 1;
      if (attempts > 1) return { password: 'second' };
      await stack.ledger.superuser.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'estop_trusted' AND datname = current_database()`,
      );
      return { password: `lost-${grant.grantId}` };
    };
    const handle = await stack.start('talks', { agentId: 'one-grant' });
    expect(await handle.result()).toMatchObject({ outcome: 'done' });
    const { items } = await listGrants(stack.ledger.control, { taskId: taskIdOf(handle) });
    const asked = connector.asked.filter(({ taskId }) => taskId === taskIdOf(handle)).map(({ grantId }) => grantId);
    expect(new Set(asked).size).toBe(asked.length);
    expect(items.map(({ state }) => state).sort()).toEqual(asked.length === 1 ? ['issued'] : ['intended', 'issued']);
  });

  it('are not asked for where a stop came right after they were intended', async () => {
    await stack.ledger.superuser.query(`
      CREATE FUNCTION estop.stop_at_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM estop.latch('stop_test_0123456789abcdefghjkmnpqry', 'task:' || NEW.task_id, 0::smallint, 0, 'r', 'test', 'api'); RETURN NEW;
      END $$;
      CREATE TRIGGER stop_at_once AFTER INSERT ON estop.grants FOR EACH ROW WHEN (NEW.name = 'trap') EXECUTE FUNCTION estop.stop_at_once();
    `);
    const handle = await stack.start('thinks', { agentId: 'trapped' });
    await expectStopped(handle);
    expect(connector.asked).toEqual([]);
    expect(await onlyGrant(handle)).toMatchObject({ state: 'ended', endReason: 'never-issued' });
  });

  it('that were being issued when a stop came are recorded, cut off on the spot, and not given to the task', async () => {
    let release: (() => void) | undefined;
    connector.issue = () => new Promise((resolve) => (release = () => resolve({ password: 'late' })));
    const handle = await stack.start('thinks', { agentId: 'one-grant' });
    await until(() => release !== undefined);
    await latch(stack.ledger.latch, {
      stopId: 'stop_test_0123456789abcdefghjkmnpqrx',
      scopeKey: `task:${taskIdOf(handle)}`,
      category: 0,
      graceMs: 0,
      reason: 'r',
      actor: 'Olga',
      method: 'api',
    });
    release?.();
    await until(async () => (await onlyGrant(handle))?.state === 'issued');
    await expectStopped(handle);
    expect(stack.logged.join('\n')).toMatch(/a grant was not issued .*"reason":"stopped"/);
    await until(() => connector.cuts.length === 2);
    expect(connector.cuts.map(({ phase, grant }) => [phase, grant.secret])).toEqual([
      ['terminate', { password: 'late' }],
      ['revoke-credential', { password: 'late' }],
    ]);
  });

  it('that the ledger closed while they were being issued are cut off on the spot', async () => {
    connector.issue = async (grant) => {
      await stack.ledger.superuser.query(
        `UPDATE estop.grants SET state = 'ended', ended_at = now(), end_reason = 'test' WHERE grant_id = $1`,
        [grant.grantId],
      );
      return { password: 'unledgered' };
    };
    let refusals = 1;
    connector.cut = async () => (refusals-- > 0 ? { kind: 'retryable', why: 'busy' } : { kind: 'revoked' });
    const handle = await stack.start('talks', { agentId: 'one-grant' });
    expect(await handle.result()).toMatchObject({ outcome: 'done' });
    expect(connector.cuts.map(({ phase, grant }) => [phase, grant.secret])).toEqual([
      ['terminate', { password: 'unledgered' }],
      ['terminate', { password: 'unledgered' }],
      ['revoke-credential', { password: 'unledgered' }],
    ]);
  });

  const grantRow = async (grantId: string) =>
    (
      await stack.ledger.superuser.query<object>(
        'SELECT state, handle, absolute_end FROM estop.grants WHERE grant_id = $1',
        [grantId],
      )
    ).rows[0];
  const onlyGrant = async (handle: TaskHandle) =>
    (await listGrants(stack.ledger.control, { taskId: taskIdOf(handle) })).items[0];
  const timelineOf = async (handle: TaskHandle) =>
    (await handle.query<readonly { what: string }[]>('timeline')).map(({ what }) => what);
});
