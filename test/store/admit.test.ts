import { beforeAll, expect, it } from 'vitest';
import { connectorKey, labelKey, toolKey } from '../../src/core/scope-key.ts';
import { admit, listCalls, settle } from '../../src/store/calls.ts';
import { closeTasks, setTaskHeld } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { callsThrough, tool } from './calls.ts';
import { addGateway } from './gateway.ts';
import { guarded } from './guarded.ts';
import {
  addAgent,
  type Ledger,
  makeLedger,
  newId,
  newName,
  putAgents,
  startChild,
  startTask,
  stop,
  stopAgent,
} from './ledger.ts';
import { untilBlocked } from './waiting.ts';

/** Of the one statement that finds nothing for most calls. */
const stopsAtFirst = /AND NOT EXISTS \(SELECT 1 FROM estop\.stops s[\s\S]*?IS TRUE\)/;

/** A session with another call of that id, not committed yet. */
async function holding(l: Ledger, callId: string): ReturnType<Ledger['session']> {
  const holder = await l.session();
  await holder.query('BEGIN');
  await holder.query(
    `INSERT INTO estop.calls (call_id, gateway_id, task_id, agent_id, keys, epoch, tool_key, digest) VALUES ($1, 'g', 't', 'a', '{}', 0, 'x', '\\x00')`,
    [callId],
  );
  return holder;
}

onEveryPostgres('a tool call', (createOn) => {
  let ledger: Ledger;
  let gatewayId: string;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
    gatewayId = await addGateway(ledger);
  });

  const { ask, call, approve } = callsThrough(() => gatewayId);

  it('is on record before it is admitted, and settled once', async () => {
    const task = await startTask(ledger, await addAgent(ledger));
    const request = ask(task);
    expect(await admit(ledger.as('estop_gateway'), request)).toEqual({ kind: 'allow' });
    expect((await listCalls(ledger.as('estop_control'), { taskId: task.taskId })).items).toMatchObject([
      { callId: request.callId, toolKey: tool },
    ]);
    expect(await settle(ledger.as('estop_gateway'), request.callId, 'completed')).toBe(true);
    expect(await settle(ledger.as('estop_gateway'), request.callId, 'failed')).toBe(false);
    await expect(admit(ledger.as('estop_gateway'), request)).rejects.toMatchObject({ code: 'conflict' });
  });

  guarded(
    () => ledger,
    'is denied by a stop on its agent, its task, its tool or the fleet, and by a token older than a reset stop',
    async (l) => {
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      expect((await call(l, task)).kind).toBe('allow');
      const stopped = await stop(l, toolKey('mail', newName('t')));
      expect((await call(l, task)).kind).toBe('allow');
      const scope = toolKey('files', newName('t'));
      const toolStop = await stop(l, scope);
      expect(await call(l, task, { toolKey: scope })).toEqual({ kind: 'stopped', stopId: toolStop.stopId });
      expect((await call(l, task)).kind).toBe('allow');
      const agentStop = await stopAgent(l, agent);
      expect(await call(l, task)).toEqual({ kind: 'stopped', stopId: agentStop.stopId });
      await l.sql(
        `UPDATE estop.stops SET reset_at = clock_timestamp(), reset_epoch = epoch + 1000 WHERE stop_id = $1`,
        [agentStop.stopId],
      );
      expect(await call(l, task)).toEqual({ kind: 'stopped', stopId: agentStop.stopId });
      const fresh = await startTask(l, agent);
      expect((await call(l, fresh)).kind).toBe('allow');
      expect(await call(l, fresh, { tokenEpoch: stopped.epoch })).toEqual({
        kind: 'stopped',
        stopId: agentStop.stopId,
      });
    },
    // rule: admit-checks-stops, dead-iff-in-force-or-younger
    { what: 'the stop check', in: 'estop.decide_call', find: 'IF killer IS NULL AND task_open', put: 'IF task_open' },
    {
      what: 'the epoch',
      in: 'estop.dead_by',
      find: '(s.reset_at IS NULL OR s.epoch > coalesce(p_epoch, 0))',
      put: 's.reset_at IS NULL',
    },
    { what: "the token's own age", in: 'estop.decide_call', find: 'least(p_token_epoch, n.epoch)', put: 'n.epoch' },
    { what: 'the key of the tool', in: 'estop.record_call', find: 't.keys || p_tool_key', put: 't.keys' },
    { what: 'the stops, at the first look', in: 'estop.admit', find: stopsAtFirst, put: '' },
    {
      what: 'the epoch, at the first look',
      in: 'estop.admit',
      find: '(s.reset_at IS NULL OR s.epoch > c.epoch)',
      put: 's.reset_at IS NULL',
    },
    {
      what: "the token's own age, at the first look",
      in: 'estop.record_call',
      find: 'epoch := least(p_token_epoch, t.epoch)',
      put: 'epoch := t.epoch',
    },
  );

  guarded(
    () => ledger,
    'is denied by a stop on a label that its agent was given since',
    async (l) => {
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      const team = newName('v');
      await putAgents(l, [{ ...agent, labels: { team } }]);
      expect((await call(l, task)).kind).toBe('allow');
      const { stopId } = await stop(l, labelKey('team', team));
      expect(await call(l, task)).toEqual({ kind: 'stopped', stopId });
    },
    {
      what: 'labels as of now, at the first look',
      in: 'estop.admit',
      find: / \|\| ARRAY\(SELECT l\.label_key FROM estop\.agent_labels l WHERE l\.agent_id = ANY \(c\.agents\)\)/,
      put: '',
    },
  );

  it('is on disk before it is allowed, whatever its session asked for', async () => {
    const session = await ledger.session();
    const { callId, tokenEpoch, keys } = ask(await startTask(ledger, await addAgent(ledger)));
    for (const setting of ['off', 'local']) {
      await session.query('BEGIN');
      await session.query(`SET LOCAL synchronous_commit = ${setting}`);
      await session.query(
        `SELECT * FROM estop.admit($1, $2, 'task_none', $3, $4, 'tool:a/b', '{1,0,0}', '', false, '', 1, NULL)`,
        [callId, gatewayId, tokenEpoch, keys],
      );
      const shown = await session.query<{ synchronous_commit: string }>('SHOW synchronous_commit');
      await session.query('ROLLBACK');
      expect(shown.rows[0]?.synchronous_commit).toBe('on');
    }
  });

  guarded(
    () => ledger,
    'is denied when its task is there no more once it need not wait',
    async (l) => {
      const task = await startTask(l, await addAgent(l));
      const request = ask(task);
      const holder = await holding(l, request.callId);
      const name = newName('admit');
      const waiting = admit(l.alone('estop_gateway', name), request);
      await untilBlocked(l, name);
      await l.sql('DELETE FROM estop.tasks WHERE task_id = $1', [task.taskId]);
      await holder.query('ROLLBACK');
      expect(await waiting).toEqual({ kind: 'denied', reason: 'task-closed' });
    },
    {
      what: 'that it is there, at the first look',
      in: 'estop.admit',
      find: /\(SELECT count.*cardinality\(c\.line\)/,
      put: "NOT EXISTS (SELECT 1 FROM estop.tasks h WHERE h.task_id = ANY (c.line) AND (h.held OR h.state = 'closed'))",
    },
    { what: 'that it is there', in: 'estop.decide_call', find: 'task_open IS NOT TRUE', put: 'NOT task_open' },
  );

  guarded(
    () => ledger,
    'that waited for another call of the same id sees the stop that was latched meanwhile',
    async (l) => {
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      const request = ask(task);
      const holder = await holding(l, request.callId);
      const name = newName('admit');
      const waiting = admit(l.alone('estop_gateway', name), request);
      await untilBlocked(l, name);
      const stopped = await stopAgent(l, agent);
      await holder.query('ROLLBACK');
      expect(await waiting).toEqual({ kind: 'stopped', stopId: stopped.stopId });
    },
    {
      what: 'a stop check after the intent',
      in: 'estop.admit',
      find: /(c := estop\.record_call\([\s\S]*?;)([\s\S]*?)d := estop\.decide_call\([\s\S]*?;/,
      put: 'd := estop.decide_call(p_call_id, p_task_id, p_token_epoch, p_keys || p_tool_key, p_worst, NULL, NULL); $1 $2',
    },
    {
      what: 'a first look after the intent',
      in: 'estop.admit',
      find: new RegExp(String.raw`(c := estop\.record_call\([\s\S]*?;)([\s\S]*?)${stopsAtFirst.source}`),
      put: 'SELECT EXISTS (SELECT 1 FROM estop.stops s WHERE s.scope_key = ANY (p_keys)) AS stopped INTO d; $1 $2 AND NOT d.stopped',
    },
  );

  guarded(
    () => ledger,
    'waits for no stuck allow path longer than its lease lasts',
    async (l) => {
      const task = await startTask(l, await addAgent(l));
      await approve(l, task);
      const holder = await l.session();
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM estop.approvals WHERE task_id = $1 FOR UPDATE', [task.taskId]);
      try {
        await expect(call(l, task, { needsApproval: true })).rejects.toMatchObject({ code: 'store-unavailable' });
      } finally {
        await holder.query('ROLLBACK');
      }
    },
  );

  guarded(
    () => ledger,
    'is denied when its task is closed, and when the task or an ancestor is held',
    async (l) => {
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      const child = await startChild(l, task, agent, agent);
      await setTaskHeld(l.as('estop_control'), task.taskId, true, 'olga');
      expect(await call(l, task)).toEqual({ kind: 'held' });
      expect(await call(l, child)).toEqual({ kind: 'held' });
      await setTaskHeld(l.as('estop_control'), task.taskId, false, 'olga');
      expect((await call(l, task)).kind).toBe('allow');
      await closeTasks(l.as('estop_trusted'), [task.taskId], 'done');
      expect(await call(l, task)).toEqual({ kind: 'denied', reason: 'task-closed' });
      expect(await call(l, { ...task, taskId: newId('task') })).toEqual({ kind: 'denied', reason: 'unknown-task' });
      expect(await call(l, task, { gatewayId: newId('gw') })).toEqual({ kind: 'denied', reason: 'unknown-gateway' });
    },
    { what: 'the hold', in: 'estop.decide_call', find: 'AND NOT task_held', put: '' },
    { what: "the task's state", in: 'estop.decide_call', find: 'AND task_open AND', put: 'AND' },
    { what: 'the hold, at the first look', in: 'estop.admit', find: 'NOT h.held AND ', put: '' },
    { what: "the task's state, at the first look", in: 'estop.admit', find: " AND h.state <> 'closed'", put: '' },
    { what: 'its ancestors', in: 'estop.record_call', find: 't.ancestors || t.task_id', put: 'ARRAY[t.task_id]' },
  );

  it('a stop on a connector does not reach calls of tools', async () => {
    const task = await startTask(ledger, await addAgent(ledger));
    await stop(ledger, connectorKey(newName('c')));
    expect((await call(ledger, task)).kind).toBe('allow');
  });
});
