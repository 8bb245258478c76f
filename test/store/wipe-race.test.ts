import { beforeAll, expect } from 'vitest';
import { getGrant } from '../../src/store/grants.ts';
import { getObligation, openEndObligations, openObligations, wipeFinishedGrants } from '../../src/store/obligations.ts';
import { markStage } from '../../src/store/stop-progress.ts';
import { resetStop } from '../../src/store/stops.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded, sabotaged } from './guarded.ts';
import { type Ledger, makeLedger, stopAgent } from './ledger.ts';
import { cutAndProve, lastProbe, stopped } from './stopped-agent.ts';
import { doneOrAsleep, doneOrBlocked } from './waiting.ts';

const wipe = 'estop.wipe_finished_grants';

onEveryPostgres('a stop that comes while the grants of the one before are being wiped', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  /** A grant that one stop has proved dead and nobody has wiped yet, and a second stop over it. */
  const provedAndStoppedAgain = async (l: Ledger) => {
    const { agent, stopId, lanes } = await stopped(l, 1);
    const [lane = ''] = lanes;
    await cutAndProve(l, lane);
    await lastProbe(l, lane);
    const grantId = lane.slice(stopId.length + 1);
    const again = await stopAgent(l, agent);
    const revoker = l.as('estop_revoker');
    const seen = async () => [
      (await getGrant(revoker, grantId))?.state,
      (await getObligation(revoker, `${again.stopId}/${grantId}`))?.state,
    ];
    return { stopId: again.stopId, seen };
  };
  const [goneAndOwedNothing, keptAndOwed] = [
    ['ended', undefined],
    ['issued', 'open'],
  ];

  guarded(
    () => ledger,
    'owes nothing to a grant whose secret is gone',
    async (l) => {
      const { stopId, seen } = await provedAndStoppedAgain(l);
      const wiping = await l.session('estop_revoker');
      await wiping.query(`BEGIN; SELECT ${wipe}()`);
      await doneOrBlocked(l, 'second', openObligations(l.alone('estop_revoker', 'second'), stopId));
      await wiping.query('COMMIT');
      await wiping.end();
      await openObligations(l.as('estop_revoker'), stopId);
      expect(await seen()).toEqual(goneAndOwedNothing);
    },
    {
      what: 'the look at who holds the grant',
      in: 'estop.open_obligations',
      find: 'FOR KEY SHARE OF g SKIP LOCKED',
      put: '',
    },
  );

  guarded(
    () => ledger,
    'owes it nothing either where its task has ended and the stop is reset',
    async (l) => {
      const { agent, task, stopId, lanes } = await stopped(l, 1);
      const [lane = ''] = lanes;
      await cutAndProve(l, lane);
      await lastProbe(l, lane);
      const revoker = l.as('estop_revoker');
      for (const stage of ['revoked', 'proved'] as const) expect(await markStage(revoker, stopId, stage)).toBe(true);
      const reset = await resetStop(l.as('estop_control'), { stopId, actor: 'olga', reason: `of ${agent.agentId}` });
      expect(reset.kind).toBe('reset');
      const wiping = await l.session('estop_revoker');
      await wiping.query(`BEGIN; SELECT ${wipe}()`);
      await doneOrBlocked(l, 'ends', openEndObligations(l.alone('estop_revoker', 'ends')));
      await wiping.query('COMMIT');
      await wiping.end();
      await openEndObligations(revoker);
      const owed = await getObligation(revoker, `end:${task.taskId}/${lane.slice(stopId.length + 1)}`);
      expect(owed).toBeUndefined();
    },
    {
      what: 'the look at who holds the grant',
      in: 'estop.open_end_obligations',
      find: 'FOR KEY SHARE OF g SKIP LOCKED',
      put: '',
    },
  );

  guarded(
    () => ledger,
    'keeps the secret of what it has begun to owe',
    async (l) => {
      const { stopId, seen } = await provedAndStoppedAgain(l);
      const stopping = await l.session('estop_revoker');
      await stopping.query('BEGIN');
      await stopping.query('SELECT estop.open_obligations($1)', [stopId]);
      await doneOrBlocked(l, 'tidy', wipeFinishedGrants(l.alone('estop_revoker', 'tidy')));
      await stopping.query('COMMIT');
      await stopping.end();
      expect(await seen()).toEqual(keptAndOwed);
    },
    { what: 'the hold on what is wiped', in: wipe, find: 'FOR UPDATE OF g SKIP LOCKED', put: '' },
  );

  guarded(
    () => ledger,
    'keeps it although the wipe had chosen the grant before, and not held it yet',
    async (l) => {
      const { stopId, seen } = await provedAndStoppedAgain(l);
      const pause = { what: 'a pause', in: wipe, find: 'FOR UPDATE', put: 'AND pg_sleep(0.5) IS NOT NULL FOR UPDATE' };
      await sabotaged(l, pause, async () => {
        const wiping = wipeFinishedGrants(l.alone('estop_revoker', 'tidy'));
        expect(await doneOrAsleep(l, 'tidy', wiping)).toBe('asleep');
        await openObligations(l.as('estop_revoker'), stopId);
        await wiping;
      });
      expect(await seen()).toEqual(keptAndOwed);
    },
    {
      what: 'the second look',
      in: wipe,
      find: /AND estop\.is_finished_grant\(g\.grant_id\);/,
      put: ';',
    },
  );
});
