import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { registerGateway } from '../../src/store/gateways.ts';
import { currentEpoch } from '../../src/store/installation.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { type Both, histories, step } from './core-and-store.ts';
import { sabotaged } from './guarded.ts';
import { agentSpec, type Ledger, makeLedger, newId, newName, putAgents } from './ledger.ts';

onEveryPostgres('the store and the core', (createOn) => {
  let ledger: Ledger;
  let gatewayId: string;
  const agentNames = [newName('a'), newName('b')];
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
    gatewayId = newId('gw');
    await registerGateway(ledger.as('estop_gateway'), gatewayId, 'x');
  });

  const agree = async (numRuns: number): Promise<void> => {
    let run = 0;
    const property = fc.asyncProperty(histories, async (steps) => {
      run += 1;
      // Agents of their own, so that the stops of one history leave the next alone.
      const agents = agentNames.map((name) => agentSpec(`${name}-${run}-${randomBytes(3).toString('hex')}`));
      const peers = agents.map((agent) => ({
        ...agent,
        mayStart: agents.map((other) => other.agentId),
        limits: { ...agent.limits, maxDepth: 100, maxFanOut: 100 },
      }));
      await putAgents(ledger, peers);
      const both: Both = {
        l: ledger,
        gatewayId,
        agents: peers,
        book: { epoch: await currentEpoch(ledger.as('estop_control')), stops: [] },
        stopIds: [],
        tasks: [],
        grants: [],
      };
      for (const [index, one] of steps.entries()) {
        const answers = await step(both, one);
        if (answers !== undefined)
          expect({ index, step: one.kind, store: answers[1] }).toEqual({ index, step: one.kind, store: answers[0] });
      }
    });
    await fc.assert(property, { numRuns, endOnFailure: true });
  };

  it('give the same answers to any history', () => agree(40), 120_000);

  it.each([
    { what: 'a hold', in: 'estop.decide_call', find: 'AND NOT task_held', put: '' },
    { what: "a child's age", in: 'estop.register_task', find: /least\(e\.epoch, parent\.epoch\)/g, put: 'e.epoch' },
    { what: 'who asked', in: 'estop.decide_approval', find: 'lower(a.requested_by) = ANY (names)', put: 'false' },
    { what: 'who was asked', in: 'estop.mint_recheck', find: 'IF mine.asked_at IS NULL THEN', put: 'IF true THEN' },
  ])(
    'differ when the store forgets $what',
    async (sabotage) => {
      await sabotaged(ledger, sabotage, async () => {
        await expect(agree(1_500)).rejects.toThrow(/Property failed/);
      });
    },
    120_000,
  );
});
