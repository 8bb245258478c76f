import { beforeAll, describe, expect, it } from 'vitest';
import type { Connector, SelfCheck } from '../../src/connectors/kit/contract.ts';
import type { Log } from '../../src/contract/identity.ts';
import { EstopError } from '../../src/core/errors.ts';
import { connectorStandings, connectorStandingsText } from '../../src/store/connector-checks.ts';
import { startConnectorChecks } from '../../src/workers/connector-checks.ts';
import type { ConnectorSource } from '../../src/workers/create-control.ts';
import { createDatabase } from '../kit/postgres.ts';
import { type Ledger, makeLedger, newName } from './ledger.ts';

const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

describe('whether a connector could cut off now', () => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
  });

  /** Only what is asked of it here: the rest of a connector is for others. */
  const source = (answers: Readonly<Record<string, () => Promise<SelfCheck>>>): ConnectorSource => ({
    ids: () => Object.keys(answers),
    system: () => undefined,
    get: (connectorId) => {
      const selfCheck = answers[connectorId];
      if (selfCheck === undefined || connectorId.startsWith('broken'))
        throw new EstopError('connector-unavailable', { detail: `${connectorId}: secret-missing` });
      return { connector: { selfCheck } as unknown as Connector, system: undefined as never }; // neither is looked at
    },
  });
  const ask = async (answers: Readonly<Record<string, () => Promise<SelfCheck>>>) => {
    const checks = startConnectorChecks({
      store: ledger.as('estop_revoker'),
      connectors: source(answers),
      log: quiet,
      patienceMs: 300,
    });
    const ids = Object.keys(answers);
    try {
      return await expect
        .poll(() => connectorStandings(ledger.as('estop_control'), ids), { timeout: 10_000 })
        .toSatisfy((found: Awaited<ReturnType<typeof connectorStandings>>) => found.every(({ ok }) => ok !== undefined))
        .then(() => connectorStandings(ledger.as('estop_control'), ids));
    } finally {
      await checks.close();
    }
  };
  const events = (connectorId: string) =>
    ledger.sql('SELECT kind FROM estop.audit WHERE subject = $1 ORDER BY seq', [`connector:${connectorId}`]);

  it('is what each of them says, in its own time; one that hangs, or cannot be built, cannot', async () => {
    const [well, hangs, broken] = [newName('well'), newName('hangs'), newName('broken')];
    const found = await ask({
      [well]: async () => ({ ok: true, findings: ['a role too many'] }),
      [hangs]: () => new Promise(() => undefined),
      [broken]: async () => ({ ok: true, findings: [] }),
    });
    expect(found).toMatchObject(
      [
        { connectorId: well, ok: true, findings: ['a role too many'] },
        { connectorId: hangs, ok: false, findings: ['It did not answer in time.'] },
        { connectorId: broken, ok: false, findings: [`${broken}: secret-missing`] },
      ].toSorted((one, other) => (one.connectorId < other.connectorId ? -1 : 1)),
    );
  });

  it('is an event where it changes, and none where it stays as it was', async () => {
    const id = newName('flaps');
    const note = (ok: boolean) =>
      ledger.as('estop_revoker').query("SELECT estop.note_connector_check($1, 'x', $2, '{}', 1)", [id, ok]);
    for (const ok of [true, true, false, false, true]) await note(ok);
    expect(await events(id)).toEqual([{ kind: 'connector.not-ready' }, { kind: 'connector.ready' }]);
  });

  it('is nothing where nobody has asked', async () => {
    const [standing] = await connectorStandings(ledger.as('estop_control'), [newName('new')]);
    expect(standing).toMatchObject({ findings: [], liveGrants: 0, openObligations: 0 });
    expect(standing?.ok).toBeUndefined();
  });

  it('is found without reading what was proved in years', async () => {
    const id = newName('old');
    await ledger.sql(
      `INSERT INTO estop.obligations (obligation_id, cause_id, stop_id, cause_epoch, grant_id, agent_id, task_id, connector, target, state, proved_at, final_at)
       SELECT $1 || n, $1, $1, 1, $1 || n, 'a', 't', $1, 'x', 'proved', '2026-01-01Z'::timestamptz + n * interval '1 s', now() FROM generate_series(1, 20000) n`,
      [id],
    );
    await ledger.sql('ANALYZE estop.obligations');
    const [standing] = await connectorStandings(ledger.as('estop_control'), [id]);
    expect(standing).toMatchObject({ openObligations: 0, needsHuman: 0, provedAt: '2026-01-01T05:33:20.000000Z' });
    const plan = await ledger.as('estop_control').query(`EXPLAIN (FORMAT JSON) ${connectorStandingsText}`, [[id]]);
    expect(JSON.stringify(plan.rows)).toContain('"Index Name":"obligations_proved"');
    expect(JSON.stringify(plan.rows)).not.toMatch(/"Seq Scan"[^{}]*"Relation Name":"obligations"/);
  });
});
