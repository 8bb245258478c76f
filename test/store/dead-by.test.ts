import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { deadBy, type StopMark } from '../../src/core/credential.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { type Sabotage, sabotaged } from './guarded.ts';
import { type Ledger, makeLedger } from './ledger.ts';

const keys = ['fleet', 'agent:a', 'agent:b', 'task:1', 'label:team=x', 'label:team=y'] as const;
const agents = ['a', 'b'] as const;

interface Label {
  readonly agentId: string;
  readonly key: string;
  /** undefined: carried, or its removal is not settled. */
  readonly removedEpoch: number | undefined;
}

const worlds = fc.record({
  stops: fc
    .array(fc.record({ scopeKey: fc.constantFrom(...keys), reset: fc.boolean() }), { maxLength: 8 })
    .chain((stops) =>
      fc
        .shuffledSubarray(
          stops.map((_, index) => index + 1),
          { minLength: stops.length },
        )
        .map((epochs) => stops.map((stop, index) => ({ ...stop, epoch: epochs[index] ?? 0 }))),
    ),
  labels: fc.uniqueArray(
    fc.record({
      agentId: fc.constantFrom(...agents),
      key: fc.constantFrom('label:team=x', 'label:team=y'),
      removedEpoch: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
    }),
    { selector: (label) => `${label.agentId} ${label.key}` },
  ),
  credential: fc.record({
    keys: fc.subarray([...keys]),
    agents: fc.subarray([...agents]),
    epoch: fc.integer({ min: 0, max: 9 }),
  }),
});

type World = typeof worlds extends fc.Arbitrary<infer T> ? T : never;

/** core/credential.ts, once per stop, with the labels that count for that stop among the keys. */
function expected(world: World): string | null {
  const marks = world.stops.map(
    (stop): StopMark => ({
      stopId: `s${stop.epoch}`,
      scopeKey: stop.scopeKey,
      epoch: stop.epoch,
      inForce: !stop.reset,
    }),
  );
  const carried = (label: Label, stop: StopMark): boolean =>
    world.credential.agents.some((agent) => agent === label.agentId) &&
    (label.removedEpoch === undefined || label.removedEpoch >= stop.epoch);
  const killers = marks
    .toSorted((a, b) => a.epoch - b.epoch)
    .filter((stop) => {
      const now = world.labels.filter((label) => carried(label, stop)).map((label) => label.key);
      return deadBy({ keys: [...world.credential.keys, ...now], epoch: world.credential.epoch }, [stop]) !== undefined;
    });
  return killers[0]?.stopId ?? null;
}

onEveryPostgres('the one rule of who is dead', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  const agree = async (numRuns: number, endOnFailure = false): Promise<void> => {
    const session = await ledger.session();
    const property = fc.asyncProperty(worlds, async (world) => {
      await session.query('BEGIN');
      try {
        await session.query(
          `INSERT INTO estop.stops (stop_id, epoch, scope_key, category, grace_ms, reason, actor, method, reset_epoch, reset_at)
           SELECT 's' || epoch, epoch, "scopeKey", 0, 0, '', '', '', CASE WHEN reset THEN 100 + epoch END, CASE WHEN reset THEN now() END
           FROM jsonb_to_recordset($1) AS x(epoch bigint, "scopeKey" text, reset boolean)`,
          [JSON.stringify(world.stops)],
        );
        await session.query(
          `INSERT INTO estop.agent_labels (agent_id, label_key, removed_epoch)
           SELECT * FROM jsonb_to_recordset($1) AS x("agentId" text, key text, "removedEpoch" bigint)`,
          [JSON.stringify(world.labels)],
        );
        const { keys: carried, agents: lineage, epoch } = world.credential;
        const result = await session.query<{ killer: string | null }>('SELECT estop.dead_by($1, $2, $3) AS killer', [
          carried,
          lineage,
          epoch,
        ]);
        expect(result.rows[0]?.killer).toBe(expected(world));
      } finally {
        await session.query('ROLLBACK');
      }
    });
    try {
      await fc.assert(property, { numRuns, endOnFailure });
    } finally {
      await session.end();
    }
  };

  it('is the same in SQL as in the core, with labels as of mint or now', () => agree(400));

  const sabotages: readonly Sabotage[] = [
    { what: 'stops in force', in: 'estop.dead_by', find: 's.reset_at IS NULL OR s.epoch >', put: 's.epoch >' },
    { what: 'younger stops', in: 'estop.dead_by', find: 'OR s.epoch > coalesce(p_epoch, 0)', put: '' },
    { what: 'a stop of the same epoch', in: 'estop.dead_by', find: 's.epoch > coalesce', put: 's.epoch >= coalesce' },
    {
      what: 'labels as of mint',
      in: 'estop.dead_by',
      find: 'AND (s.scope_key = ANY (p_keys) OR EXISTS',
      put: 'AND (EXISTS',
    },
    { what: 'labels as of now', in: 'estop.dead_by', find: 'OR EXISTS (', put: 'OR false AND EXISTS (' },
    {
      what: 'when a label was removed',
      in: 'estop.dead_by',
      find: 'AND (l.removed_epoch IS NULL OR l.removed_epoch >= s.epoch)',
      put: '',
    },
    {
      what: 'the first killer',
      in: 'estop.dead_by',
      find: 'ORDER BY s.epoch LIMIT 1',
      put: 'ORDER BY s.epoch DESC LIMIT 1',
    },
  ];
  it.each(sabotages)('is found out when SQL forgets $what', async (sabotage) => {
    await sabotaged(ledger, sabotage, async () => {
      await expect(agree(1_000, true)).rejects.toThrow(/Property failed/);
    });
  });

  it('counts what is missing as oldest', async () => {
    await ledger.sql(
      `INSERT INTO estop.stops (stop_id, epoch, scope_key, category, grace_ms, reason, actor, method, reset_epoch, reset_at) VALUES ('old', 1, 'agent:a', 0, 0, '', '', '', 2, now())`,
    );
    expect(await ledger.sql(`SELECT estop.dead_by('{agent:a}', '{}', NULL) AS killer`)).toEqual([{ killer: 'old' }]);
    expect(await ledger.sql(`SELECT estop.dead_by('{agent:a}', NULL, 1) AS killer`)).toEqual([{ killer: null }]);
  });
});
