import { beforeAll, describe, expect, it } from 'vitest';
import { StopView } from '../../src/contract/http/stops.ts';
import { noteStopSeen, reportFence } from '../../src/store/fence.ts';
import { confirmFence } from '../../src/store/gateways.ts';
import { addGateway, leaseMs, onlyThese, view } from '../store/gateway.ts';
import { agentSpec, type Ledger, stop } from '../store/ledger.ts';
import { type ControlRig, makeControl } from './rig.ts';
import { storeWhere } from './store-where.ts';

describe('the view of a stop that goes on while it is read', () => {
  let rig: ControlRig;
  let ledger: Ledger;
  beforeAll(async () => {
    rig = await makeControl([agentSpec('billing-bot')]);
    ledger = rig.ledger;
  });

  it.each(['stop_summaries', 'stop_progress', 'stop_gateways', 'revocation_state'])(
    'shows no stage without what it rests on, also where it is reached just before %s is read',
    async (name) => {
      await onlyThese(ledger);
      const gatewayId = await addGateway(ledger);
      await view(ledger, gatewayId);
      const { stopId, epoch } = await stop(ledger, 'agent:billing-bot');
      const fence = async (): Promise<void> => {
        await confirmFence(ledger.as('estop_gateway'), gatewayId, epoch, stopId);
        await noteStopSeen(ledger.as('estop_revoker'), stopId);
        expect(await reportFence(ledger.as('estop_revoker'), stopId, leaseMs)).toBe(true);
      };
      let asked = 0;
      const at = rig.withDeps({
        store: storeWhere(rig.deps.store, [name], async (ask) => {
          asked += 1;
          // What is read beside it is read by now.
          await new Promise((resolve) => setTimeout(resolve, 150));
          if (asked === 1) await fence();
          return ask();
        }),
      });
      const shown = StopView.parse((await at.call('GET', `/v1/stops/${stopId}`, { as: 'viewer' })).body);
      expect(asked).toBeGreaterThan(0);
      const waiting = shown.gateways.filter(({ outcome }) => outcome === 'waiting');
      expect(shown.reached === 'fenced' ? waiting : []).toEqual([]);
    },
  );
});
