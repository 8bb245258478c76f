import { beforeAll, expect } from 'vitest';
import { listCalls, settle } from '../../src/store/calls.ts';
import { appendFlow, readFlow } from '../../src/store/task-flows.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { addGateway } from './gateway.ts';
import { guarded } from './guarded.ts';
import { type Ledger, makeLedger } from './ledger.ts';
import { begin, call, delta } from './traced-calls.ts';

onEveryPostgres('what is learned from a call, and how it ended', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  guarded(
    () => ledger,
    'are written at once, and once; only what the gateway that made it says of it is remembered',
    async (l) => {
      const [mine, strange] = [await addGateway(l), await addGateway(l)];
      const tasks = [await begin(l), await begin(l), await begin(l)] as const;
      const made = await Promise.all(tasks.map(async (task) => ({ task, ...(await call(l, mine, task, 1)) })));
      const [together, before, foreign] = made.map(({ task: { rootId }, callId }) => ({ rootId, callId }));
      const entry = (gatewayId: string, of: typeof together) => ({
        gatewayId,
        rootId: of?.rootId ?? '',
        callId: of?.callId ?? '',
        deltas: [delta(1)],
      });
      await settle(l.as('estop_gateway'), before?.callId ?? '', 'failed');
      const ends = made.map(({ callId }) => ({ callId, outcome: 'completed' as const }));
      await appendFlow(l.as('estop_gateway'), [entry(mine, together)], ends.slice(0, 1));
      await appendFlow(l.as('estop_gateway'), [entry(mine, before), entry(strange, foreign)], ends.slice(1));
      const told = await Promise.all(
        tasks.map(async (task) => ({
          outcome: (await listCalls(l.as('estop_control'), { taskId: task.taskId })).items[0]?.outcome,
          missing: (await readFlow(l.as('estop_gateway'), task.taskId, 1))?.unobserved.includes(
            made.find((one) => one.task === task)?.callId ?? '',
          ),
        })),
      );
      expect(told).toEqual([
        { outcome: 'completed', missing: false },
        { outcome: 'failed', missing: false },
        { outcome: 'completed', missing: true },
      ]);
    },
    {
      what: 'that it is remembered',
      in: 'estop.settle_calls',
      find: "OR c.gateway_id || ' ' || c.call_id = ANY (p_observed)",
      put: '',
    },
    {
      what: 'whose it is',
      in: 'estop.settle_calls',
      find: "c.gateway_id || ' ' || c.call_id = ANY (p_observed)",
      put: "c.call_id = ANY (SELECT split_part(o, ' ', 2) FROM unnest(p_observed) o)",
    },
    {
      what: 'those whose end was known before',
      in: 'estop.append_flow',
      find: '(remembered <@ p_ids AND settled = cardinality(p_ids)) IS NOT TRUE',
      put: 'NOT remembered <@ p_ids',
    },
    { what: 'the end', in: 'estop.append_flow', find: 'IF cardinality(p_ids) > 0', put: 'IF false' },
  );
});
