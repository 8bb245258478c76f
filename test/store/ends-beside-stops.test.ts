import { beforeAll, expect, it } from 'vitest';
import { agentKey, labelKey } from '../../src/core/scope-key.ts';
import { listObligations, openEndObligations } from '../../src/store/obligations.ts';
import { resetStop } from '../../src/store/stops.ts';
import { closeTasks } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import { addAgent, fence, type Ledger, makeLedger, newName, putAgents, startTask, stop } from './ledger.ts';
import { addGrant } from './stopped-agent.ts';

onEveryPostgres('the grants of tasks that ended beside stops', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  /** The grants of an agent that are to be ended because their tasks have. */
  const endsOf = async (l: Ledger, agentId: string): Promise<readonly string[]> => {
    await openEndObligations(l.as('estop_revoker'));
    const { items } = await listObligations(l.as('estop_control'), { agentId });
    return items.filter(({ causeId }) => causeId.startsWith('end:')).map(({ grantId }) => grantId);
  };

  guarded(
    () => ledger,
    'are left to a stop that covers them, by a key or a label, until it is reset and proved',
    async (l) => {
      const value = newName('v');
      for (const scopeOf of [agentKey, () => labelKey('team', value)]) {
        const agent = await addAgent(l);
        const task = await startTask(l, agent);
        const grantId = await addGrant(l, task);
        await putAgents(l, [{ ...agent, labels: { team: value } }]);
        const { stopId } = await stop(l, scopeOf(agent.agentId));
        await closeTasks(l.as('estop_revoker'), [task.taskId], 'terminated');
        expect(await endsOf(l, agent.agentId)).toEqual([]);
        await fence(l, stopId);
        await resetStop(l.as('estop_control'), { stopId, actor: 'olga', reason: 'over' });
        expect(await endsOf(l, agent.agentId)).toEqual([]);
        await l.sql('UPDATE estop.stop_progress SET proved_at = clock_timestamp() WHERE stop_id = $1', [stopId]);
        expect(await endsOf(l, agent.agentId)).toEqual([grantId]);
      }
    },
    {
      what: 'the stops',
      in: 'estop.open_end_obligations',
      find: 'AND NOT estop.is_left_to_stop(g.keys, g.agents, g.epoch)',
      put: '',
    },
    {
      what: 'labels',
      in: 'estop.is_left_to_stop',
      find: 'OR p_agents && estop.labelled_agents(s.scope_key, s.epoch)',
      put: '',
    },
    {
      what: 'the proof of a stop that was reset',
      in: 'estop.is_left_to_stop',
      find: /OR \(p_epoch < s\.epoch\s+AND NOT EXISTS \([^)]*\)\)/,
      put: '',
    },
    { what: 'its end', in: 'estop.is_left_to_stop', find: 'AND p.proved_at IS NOT NULL', put: 'AND false' },
  );

  it('ask once of each that has ended whether a stop covers it, however many stops there are', async () => {
    const l = await makeLedger(createOn);
    const agent = await addAgent(l);
    const [running, ended] = [await startTask(l, agent), await startTask(l, agent)];
    for (const task of [running, running, running, ended]) await addGrant(l, task);
    for (let index = 0; index < 3; index += 1) await stop(l, agentKey(newName('another')));
    await closeTasks(l.as('estop_revoker'), [ended.taskId], 'terminated');
    const session = await l.session();
    await session.query("SET track_functions = 'all'");
    await session.query('BEGIN');
    const opened = await session.query('SELECT estop.open_end_obligations() AS opened');
    const asked = await session.query(
      "SELECT calls::integer FROM pg_stat_xact_user_functions WHERE funcname IN ('is_left_to_stop', 'labelled_agents')",
    );
    await session.query('ROLLBACK');
    expect([opened.rows, asked.rows]).toEqual([[{ opened: 1 }], [{ calls: 1 }]]);
  });

  it('are forgotten in the end without trying each stop in force on them', async () => {
    const l = await makeLedger(createOn);
    const agent = await addAgent(l);
    const task = await startTask(l, agent);
    await addGrant(l, task);
    for (let index = 0; index < 3; index += 1) await stop(l, agentKey(newName('another')));
    await l.sql(`UPDATE estop.grants SET state = 'ended', ended_at = clock_timestamp() - interval '100 d'`);
    const session = await l.session();
    await session.query("SET track_functions = 'all'");
    await session.query('BEGIN');
    const pruned = await session.query('SELECT estop.prune_rows($1, 10) AS pruned', [90 * 86_400_000]);
    const tried = await session.query(
      "SELECT calls::integer FROM pg_stat_xact_user_functions WHERE funcname = 'labelled_agents'",
    );
    await session.query('ROLLBACK');
    expect([pruned.rows, tried.rows]).toEqual([[{ pruned: 1 }], []]);
  });
});
