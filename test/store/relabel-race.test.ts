import { beforeAll, expect } from 'vitest';
import { labelKey } from '../../src/core/scope-key.ts';
import { checkTask } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import { addAgent, agentSpec, type Ledger, makeLedger, newName, startTask, stop } from './ledger.ts';
import { untilBlocked } from './waiting.ts';

onEveryPostgres('labels that are given and taken in quick succession', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  guarded(
    () => ledger,
    'a stop that was latched while the label was back counts, although the closing of an earlier removal was still waiting',
    async (l) => {
      const label = newName('v');
      const key = labelKey('team', label);
      const agent = await addAgent(l, { labels: { team: label } });
      const task = await startTask(l, agent);
      await l.sql('UPDATE estop.tasks SET keys = array_remove(keys, $2) WHERE task_id = $1', [task.taskId, key]);
      const apply = async (labelled: boolean): Promise<[string, string[]]> => {
        const known = await l.sql('SELECT agent_id FROM estop.agents WHERE retired_at IS NULL');
        const rows = known.map((row) => {
          const { agentId, owner, stopHolder } = agentSpec(String(row['agent_id']));
          return {
            agentId,
            owner,
            stopHolder,
            spec: {},
            labelKeys: labelled && agentId === agent.agentId ? [key] : [],
          };
        });
        return ['SELECT * FROM estop.apply_agents($1)', [JSON.stringify(rows)]];
      };
      // Taken, and not closed yet.
      await l.sql(...(await apply(false)));
      const giving = await l.session('estop_control');
      await giving.query('BEGIN');
      await giving.query(...(await apply(true)));
      // The closing of the first removal begins now, and finds the row held.
      const closing = l.alone('estop_control', 'closing').query('SELECT estop.settle_labels()');
      await untilBlocked(l, 'closing');
      // Who holds the row takes the label once more before the closing goes on; between the two the stop is latched.
      const stopped = await stop(l, key);
      await giving.query(...(await apply(false)));
      await giving.query('COMMIT');
      await closing;
      expect((await checkTask(l.as('estop_control'), task.taskId))?.stopId).toBe(stopped.stopId);
    },
    // rule: no-relabel-out
    {
      what: 'the lock of configuration writers',
      in: 'estop.settle_labels',
      find: 'PERFORM pg_advisory_xact_lock(1163088977, 1);',
      put: '',
    },
  );
});
