import { beforeAll, describe, expect, it } from 'vitest';
import { createConnectorActivities } from '../../src/activities/connector-phase.ts';
import { reopenObligation } from '../../src/store/lanes.ts';
import { getObligation } from '../../src/store/obligations.ts';
import { inActivity } from '../agent-task/in-activity.ts';
import { createDatabase } from '../kit/postgres.ts';
import { type Ledger, makeLedger } from '../store/ledger.ts';
import { stopped } from '../store/stopped-agent.ts';
import { environment, recordingLog } from './rig.ts';
import { startTarget, type Target } from './target.ts';
import { targetConnectors } from './target-connectors.ts';

describe('a lane whose ledger is rounds ahead of it', () => {
  let ledger: Ledger;
  let target: Target;
  beforeAll(async () => {
    [ledger, target] = await Promise.all([makeLedger(createDatabase), startTarget()]);
  });

  it('cuts nothing in the rounds that are over, catches up, and is then cut and proved', async () => {
    const { lanes } = await stopped(ledger, 1);
    const obligationId = String(lanes[0]);
    const grantId = obligationId.split('/')[1] ?? '';
    await ledger.sql(`UPDATE estop.grants SET handle = jsonb_build_object('key', grant_id) WHERE grant_id = $1`, [
      grantId,
    ]);
    target.grant(grantId);
    const store = ledger.as('estop_revoker');
    const { runPhase, probeLane } = createConnectorActivities({
      store,
      environment,
      sealer: { seal: (plain) => plain, open: () => new TextEncoder().encode(JSON.stringify({ key: grantId })) },
      log: recordingLog().log,
      get: targetConnectors(target.url, { connectors: { 'pg-main': {} } }).get,
    });
    const pass = async (round: number): Promise<unknown> => {
      await inActivity(() => runPhase({ obligationId, phase: 'revoke-credential', round }));
      return inActivity(() => probeLane({ obligationId, round }));
    };
    for (const round of [0, 1]) expect(await reopenObligation(store, obligationId, round, 'found alive')).toBe(true);
    for (const round of [0, 1]) {
      expect(await pass(round)).toMatchObject({ kind: 'alive' });
      expect(target.count('cut revoke-credential', grantId)).toBe(0);
      expect(await getObligation(store, obligationId)).toMatchObject({ state: 'open', round: 2 });
    }
    expect(await pass(2)).toEqual({ kind: 'proved' });
    expect(target.count('cut revoke-credential', grantId)).toBe(1);
  });
});
