import { beforeAll, describe, expect, it } from 'vitest';
import { createConnectorActivities } from '../../src/activities/connector-phase.ts';
import { getObligation } from '../../src/store/obligations.ts';
import { inActivity } from '../agent-task/in-activity.ts';
import { createDatabase } from '../kit/postgres.ts';
import { type Ledger, makeLedger } from '../store/ledger.ts';
import { stopped } from '../store/stopped-agent.ts';
import { environment, recordingLog } from './rig.ts';
import { startTarget, type Target } from './target.ts';
import { targetConnectors } from './target-connectors.ts';

describe('a connector that says how long its system is to be left alone', () => {
  let ledger: Ledger;
  let target: Target;
  beforeAll(async () => {
    [ledger, target] = await Promise.all([makeLedger(createDatabase), startTarget()]);
  });

  it.each([
    ['for years', 1e15, 300_000],
    ['for no time that there is', Number.NaN, 250],
    ['until a time that is past', -1e15, 250],
  ])('%s is asked again within minutes', async (_, busyMs, pauseMs) => {
    const { lanes } = await stopped(ledger, 1);
    const obligationId = String(lanes[0]);
    const key = obligationId.split('/')[1] ?? '';
    await ledger.sql(`UPDATE estop.grants SET handle = jsonb_build_object('key', grant_id) WHERE grant_id = $1`, [key]);
    target.grant(key);
    target.behave(key, { cut: 'busy', busyMs });
    const { runPhase } = createConnectorActivities({
      store: ledger.as('estop_revoker'),
      environment,
      sealer: { seal: (plain) => plain, open: () => new TextEncoder().encode(JSON.stringify({ key })) },
      log: recordingLog().log,
      get: targetConnectors(target.url, { connectors: { 'pg-main': {} } }).get,
    });
    const cut = inActivity(() => runPhase({ obligationId, phase: 'revoke-credential', round: 0 }));
    await expect(cut).rejects.toMatchObject({ code: 'connector-unavailable', retryAfterMs: pauseMs });
    expect(await getObligation(ledger.as('estop_control'), obligationId)).toMatchObject({
      lastError: 'revoke-credential: too many requests',
      nextTryAt: expect.any(String),
    });
  });
});
