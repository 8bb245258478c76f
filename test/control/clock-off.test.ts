import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ApprovalContext } from '../../src/contract/http/approval-context.ts';
import { Approval, ApprovalPage } from '../../src/contract/http/approvals.ts';
import { ConnectorPage } from '../../src/contract/http/connectors.ts';
import { Running } from '../../src/contract/http/running.ts';
import { looksForChanges } from '../../src/control/events/look-for-changes.ts';
import { createStoreClock } from '../../src/control/store-clock.ts';
import { requestApproval } from '../../src/store/approvals.ts';
import { noteConnectorCheck } from '../../src/store/connector-checks.ts';
import { storeNow } from '../../src/store/installation.ts';
import { latch } from '../../src/store/latch.ts';
import { sceneConfig } from '../console/scene.ts';
import { terms } from '../store/calls.ts';
import { agentSpec, digestOf, newId, order, startTask } from '../store/ledger.ts';
import { type ControlRig, field, makeControl } from './rig.ts';

const minuteMs = 60_000;

/** Date alone: nothing that waits waits otherwise. */
const setClock = (byMs: number): void => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + byMs });

describe.each([
  ['ahead of', 10 * minuteMs],
  ['behind', -10 * minuteMs],
])('a clock of control that is ten minutes %s that of the store', (_, byMs) => {
  let rig: ControlRig;
  beforeAll(async () => {
    rig = await makeControl();
  });
  afterEach(() => void vi.useRealTimers());

  async function ask(ttlMs: number): Promise<string> {
    const task = await startTask(rig.ledger, agentSpec('billing-bot'));
    const approvalId = newId('appr');
    const shown = '{"amount":10}';
    await requestApproval(rig.ledger.as('estop_gateway'), {
      approvalId,
      taskId: task.taskId,
      tokenEpoch: task.epoch,
      toolKey: 'tool:bank/pay',
      digest: digestOf(shown),
      shown,
      ttlMs,
      ...terms,
      approvers: 1,
    });
    return approvalId;
  }
  const get = async (path: string): Promise<unknown> => (await rig.call('GET', path, { as: 'ada@approver' })).body;
  const stateOf = async (approvalId: string): Promise<readonly unknown[]> => {
    const listed = ApprovalPage.parse(await get('/v1/approvals')).items.find((one) => one.approvalId === approvalId);
    const changes = (
      await Promise.all(
        looksForChanges({ store: rig.deps.store, temporalUiUrl: undefined }).map((look) =>
          look({ since: '2020-01-01T00:00:00Z' }),
        ),
      )
    ).flat();
    return [
      listed?.state,
      Approval.parse(await get(`/v1/approvals/${approvalId}`)).state,
      ApprovalContext.parse(await get(`/v1/approvals/${approvalId}/context`)).approval.state,
      field(changes.find(({ key }) => key === approvalId)?.data, 'state'),
    ];
  };

  it('takes no approval for over that waits, and none for waiting that is over', async () => {
    const [waits, over] = [await ask(5 * minuteMs), await ask(1)];
    setClock(byMs);
    expect(await stateOf(waits)).toEqual(['pending', 'pending', 'pending', 'pending']);
    expect(await stateOf(over)).toEqual([undefined, 'expired', 'expired', 'expired']);
    const decided = await rig.call('POST', `/v1/approvals/${waits}:decide`, {
      as: 'ada@approver',
      body: { decision: 'approved' },
    });
    expect([decided.status, field(field(decided.body, 'approval'), 'state')]).toEqual([200, 'approved']);
  });

  it('says times by the clock that they were taken with, to whoever asks how late it is here as well', async () => {
    setClock(byMs);
    await vi.waitFor(() => expect(Math.abs((rig.deps.clock.aheadMs() ?? 0) - byMs)).toBeLessThan(2_000));
    const wrong = Date.now();
    const running = await rig.call('GET', '/v1/running', { as: 'vera@viewer' });
    const [taken, told] = [
      Date.parse(Running.parse(running.body).takenAt),
      Date.parse(running.headers.get('date') ?? ''),
    ];
    for (const at of [taken, told]) expect(Math.abs(at - (wrong - byMs))).toBeLessThan(5_000);
  });

  it('says on the page of a stop how long ago it was, and whether Temporal keeps it', async () => {
    const placed = order('agent:billing-bot');
    await latch(rig.ledger.as('estop_stop'), placed);
    const { stopId } = placed;
    const own = rig.withDeps({ workflows: { ...rig.deps.workflows, isReachable: async () => false } });
    setClock(byMs);
    await vi.waitFor(() => expect(rig.deps.clock.aheadMs()).toBeDefined());
    const show = async (): Promise<string> =>
      (await own.call('GET', `/stops/${stopId}`, { headers: { authorization: 'Bearer vera@viewer' } })).text;
    expect(await show()).not.toContain('Temporal does not answer control');
    await rig.ledger.sql(`UPDATE estop.stops SET latched_at = latched_at - interval '8 s' WHERE stop_id = $1`, [
      stopId,
    ]);
    expect(await show()).toContain('Temporal does not answer control');
    expect((await own.call('GET', '/stops', { headers: { authorization: 'Bearer vera@viewer' } })).text).toMatch(
      />\d+ s<\/time> ago/,
    );
  });

  it('knows what a connector said a moment ago', async () => {
    const config = sceneConfig();
    const own = rig.withDeps({ config: { current: () => config } });
    const [one] = config.connectors;
    const connectorId = one?.connectorId ?? '';
    await noteConnectorCheck(rig.ledger.as('estop_revoker'), {
      connectorId,
      system: 'postgres',
      ok: true,
      findings: [],
      tookMs: 3,
    });
    setClock(byMs);
    await vi.waitFor(() => expect(rig.deps.clock.aheadMs()).toBeDefined());
    const asked = await own.call('GET', '/v1/connectors', { as: 'vera@viewer' });
    expect(ConnectorPage.parse(asked.body).items.find((item) => item.connectorId === connectorId)?.ready).toBe('yes');
  });
});

describe('the clock of the store, as control has it', () => {
  it('goes on by itself while the store is away, and is set anew when that was set', async () => {
    let [mono, own, store, isAway] = [0, 1_000_000, 400_000, false];
    const pass = (ms: number): void => void ([mono, own, store] = [mono + ms, own + ms, store + ms]);
    const clock = createStoreClock(
      async () => {
        if (isAway) throw new Error('away');
        return new Date(store).toISOString();
      },
      { monotonic: () => mono, own: () => own },
    );
    const settled = async (): Promise<number> => {
      clock.now();
      await new Promise((resolve) => setImmediate(resolve));
      return clock.now();
    };
    expect([clock.now(), clock.aheadMs()]).toEqual([own, undefined]);
    expect([await settled(), clock.aheadMs()]).toEqual([store, 600_000]);
    own += 3_600_000; // somebody sets the clock of this machine
    isAway = true;
    pass(60_000);
    expect([await settled(), clock.aheadMs()]).toEqual([store, 4_200_000]);
    isAway = false;
    store -= 30_000;
    pass(11_000);
    expect(await settled()).toBe(store);
  });

  it('is asked by the server from its start', async () => {
    const { deps } = await makeControl();
    await vi.waitFor(() => expect(deps.clock.aheadMs()).toBeDefined());
    expect(Math.abs(Date.parse(await storeNow(deps.store)) - deps.clock.now())).toBeLessThan(1_000);
  });
});
