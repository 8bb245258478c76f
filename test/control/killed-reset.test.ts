import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { addAccessToken } from '../../src/runtime/keys/access-tokens.ts';
import { ensureKeys } from '../../src/runtime/keys/key-ring.ts';
import { freePort } from '../../src/runtime/local/free-port.ts';
import { sourceRoot } from '../../src/runtime/package-root.ts';
import { type PausedWrites, pausedWrites, type WriteAt } from '../kit/paused-writes.ts';
import { createDatabase } from '../kit/postgres.ts';
import { type Program, runProgram } from '../kit/program.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { until } from '../revocation/rig.ts';
import { addAgent, fence, type Ledger, makeLedger, startTask, stop } from '../store/ledger.ts';

/** What control writes for a reset, one transaction each. */
const writes = {
  'that it was asked': ['idempotency_keys', 'INSERT', 'true'],
  'what it answered': ['idempotency_keys', 'UPDATE', 'OLD.status IS NULL AND NEW.status IS NOT NULL'],
  'that one person wants it': ['reset_consents', 'INSERT', 'true'],
  // Holds the lock that orders stops, so it is the last to stand still.
  'that it is reset': ['stops', 'UPDATE', 'OLD.reset_at IS NULL AND NEW.reset_at IS NOT NULL'],
} as const satisfies Record<string, WriteAt>;
type ResetWrite = keyof typeof writes;

describe('a control API that is killed in the middle of what it writes for a reset', () => {
  const state = tempFolder();
  const tokens = new Map<string, string>();
  let ledger: Ledger;
  let paused: PausedWrites<ResetWrite>;
  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
    ensureKeys(join(state, 'keys'), 'test');
    for (const person of ['olga', 'rita'])
      tokens.set(person, addAccessToken(join(state, 'tokens.json'), 'test', person, ['operator']));
    writeFileSync(join(state, 'estop.yaml'), 'environment: test\ntrustDomain: example.org\nagents: {}\nmodels: {}\n');
    const stopOf = "coalesce(wrote ->> 'stop_id', wrote ->> 'key')";
    paused = await pausedWrites(ledger, writes, stopOf, 'commit');
  });

  interface Control {
    readonly process: Program;
    reset(
      stopId: string,
      person?: string,
    ): Promise<{ readonly status: number; readonly body: Record<string, unknown> }>;
  }
  async function startControl(): Promise<Control> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const program = runProgram(join(sourceRoot, 'control/main.ts'), [], {
      env: {
        ...process.env,
        ESTOP_ENVIRONMENT: 'test',
        ESTOP_STATE: state,
        ESTOP_CONFIG: join(state, 'estop.yaml'),
        ESTOP_TEMPORAL_ADDRESS: inject('temporalAddress') || '127.0.0.1:1',
        ESTOP_DATABASE_URL: ledger.urls.estop_control,
        ESTOP_CONTROL_PORT: String(port),
      },
    });
    await until(async () => (await fetch(`${url}/livez`).catch(() => undefined))?.ok);
    return {
      process: program,
      reset: async (stopId, person = 'olga') => {
        const answer = await fetch(`${url}/v1/stops/${stopId}:reset`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${tokens.get(person) ?? ''}`,
            'content-type': 'application/json',
            'idempotency-key': stopId,
          },
          body: JSON.stringify({ reason: 'it is safe again' }),
        });
        return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
      },
    };
  }
  const inForce = async (stopId: string): Promise<boolean> =>
    (await ledger.sql('SELECT 1 FROM estop.stops WHERE stop_id = $1 AND reset_at IS NULL', [stopId])).length === 1;

  it.each([
    ['landed', { 'that it was asked': 'reset', 'what it answered': 'reset', 'that it is reset': 'already-reset' }],
    ['lost', { 'that it was asked': 'reset', 'what it answered': 'already-reset', 'that it is reset': 'reset' }],
  ] as const)(
    'which %s: the stop is reset once or stands, and whoever asks again is told which',
    async (outcome, answers) => {
      const task = await startTask(ledger, await addAgent(ledger));
      const isDead = async (): Promise<boolean> => {
        const [row] = await ledger.sql('SELECT estop.dead_by($1, $2, $3) AS by', [
          task.keys,
          [task.agentId],
          task.epoch,
        ]);
        return row?.['by'] != null;
      };
      const first = await startControl();
      const stops = new Map<ResetWrite, string>();
      for (const [index, write] of (Object.keys(writes) as ResetWrite[]).entries()) {
        // Only the fleet asks for a second person.
        const scope = write === 'that one person wants it' ? 'fleet' : `agent:${task.agentId}`;
        const { stopId } = await stop(ledger, scope);
        await until(() => fence(ledger, stopId));
        stops.set(write, stopId);
        await paused.pause(stopId, write);
        void first.reset(stopId).catch(() => undefined);
        await until(async () => (await paused.standing()) === index + 1);
      }
      await first.process.kill('SIGKILL');
      for (const stopId of stops.values()) await paused.release(stopId, outcome);
      const of = (write: ResetWrite): string => stops.get(write) ?? '';
      await until(async () => (await inForce(of('that it is reset'))) === (outcome === 'lost'));
      expect(await inForce(of('that it was asked'))).toBe(true);
      expect(await inForce(of('what it answered'))).toBe(false);
      expect(await inForce(of('that one person wants it'))).toBe(true);
      expect(await isDead()).toBe(true);
      // Whoever died is waited for half a minute.
      await ledger.sql("UPDATE estop.idempotency_keys SET begun_at = begun_at - interval '31 s'");

      const next = await startControl();
      for (const [write, answered] of Object.entries(answers) as [keyof typeof answers, string][]) {
        const { status, body } = await next.reset(of(write));
        const [row] = await ledger.sql('SELECT reset_epoch AS epoch FROM estop.stops WHERE stop_id = $1', [of(write)]);
        expect([write, status, body]).toEqual([write, 200, expect.objectContaining({ outcome: answered, ...row })]);
      }
      const fleet = of('that one person wants it');
      const second = await next.reset(fleet, 'rita');
      // What one person said counts if it was committed, and only then.
      expect(second.body).toMatchObject({ outcome: outcome === 'landed' ? 'reset' : 'awaiting-second-person' });
      expect(await inForce(fleet)).toBe(outcome === 'lost');
      const again = await next.reset(fleet);
      expect(again.body).toMatchObject({ outcome: outcome === 'landed' ? 'already-reset' : 'reset' });
      expect(await isDead()).toBe(true);
      const open = await ledger.sql(
        'SELECT 1 FROM estop.tasks WHERE registered_at > (SELECT latched_at FROM estop.stops WHERE stop_id = $1)',
        [fleet],
      );
      expect(open).toEqual([]);
      await next.process.kill('SIGKILL');
    },
  );
});
