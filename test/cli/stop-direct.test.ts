import { execFile } from 'node:child_process';
import { Client, Connection } from '@temporalio/client';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { resetStop } from '../../src/store/stops.ts';
import { itWhere } from '../kit/requires.ts';
import { fence, newId } from '../store/ledger.ts';
import { type CliRig, deadUrl, escapes, mainPath, makeCliRig } from './rig.ts';

const stopIdIn = (text: string): string => /stop_test_[0-9a-z]{26}/.exec(text)?.[0] ?? '';

describe('estop stop, when nothing of ours answers', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig();
  });
  const latched = async (stopId: string): Promise<readonly Record<string, unknown>[]> =>
    rig.ledger.sql('SELECT scope_key, category, reason, actor, method FROM estop.stops WHERE stop_id = $1', [stopId]);

  it('7: nothing answers; it says NOT STOPPED and prints a line that works as it stands', async () => {
    const away = {
      ESTOP_STOP_URL: await deadUrl(),
      ESTOP_CONTROL_URL: await deadUrl(),
      ESTOP_DIRECT_URL: rig.ledger.urls.estop_latch,
    };
    const ran = await rig.run(['stop', 'agent', 'billing-bot', '--reason', "it's; $(touch x) `y`\u001b[2J"], {
      env: away,
    });
    expect(ran.code).toBe(7);
    expect(ran.stdout).toBe('');
    expect(ran.stderr).toContain('NOT STOPPED');
    expect(ran.stderr).not.toMatch(escapes);
    const plain = await rig.run(['stop', 'agent', 'billing-bot', '--reason', "it's; $(touch x) `y`"], { env: away });
    const line = plain.stderr.split('\n').find((text) => text.includes('--direct')) ?? '';
    const stopId = stopIdIn(line);
    expect(await latched(stopId)).toEqual([]);
    const command = line.trim().replace(/^estop/, '"$NODE" "$MAIN"');
    const direct = await new Promise<string>((resolve) => {
      execFile(
        'sh',
        ['-c', `${command} --no-wait`],
        {
          cwd: rig.stateFolder,
          env: { PATH: process.env['PATH'] ?? '', ...rig.env, ...away, NODE: process.execPath, MAIN: mainPath },
        },
        (_error, stdout, stderr) => resolve(stdout + stderr),
      );
    });
    expect(direct).toContain('latched agent:billing-bot');
    expect(await latched(stopId)).toMatchObject([
      { scope_key: 'agent:billing-bot', reason: "it's; $(touch x) `y`", method: 'direct' },
    ]);
  });

  it.each(['nonsense', 'stop.example.com', '//', 'http://', 'localhost:7700', 'ftp://127.0.0.1'])(
    '7: it says NOT STOPPED where the stop process is said to be at %s, too',
    async (url) => {
      const ran = await rig.run(['stop', 'agent', 'billing-bot', '--no-wait'], { env: { ESTOP_STOP_URL: url } });
      expect(ran).toMatchObject({ code: 7, stdout: '' });
      expect(ran.stderr).toMatch(/NOT STOPPED[\s\S]*estop stop agent billing-bot --direct/);
    },
  );

  it('--direct needs no process of ours, and the role can do nothing else', async () => {
    const away = {
      ESTOP_STOP_URL: await deadUrl(),
      ESTOP_CONTROL_URL: await deadUrl(),
      ESTOP_TOKEN: '',
      ESTOP_DIRECT_URL: rig.ledger.urls.estop_latch,
    };
    const ran = await rig.run(['stop', 'fleet', '--direct', '--yes', '--no-wait', '--category', '1'], { env: away });
    expect(ran.code).toBe(0);
    const rows = await latched(ran.stdout.trim());
    expect(rows).toMatchObject([{ scope_key: 'fleet', category: 1, method: 'direct' }]);
    expect(String(rows[0]?.['actor'])).toMatch(/^direct:/);
  });

  it('--direct takes a warning beside the commit for no acknowledgement', async () => {
    const other = await makeCliRig();
    // By its class, since a server that speaks another language calls a WARNING something else.
    const parameters =
      'p_stop_id text, p_scope_key text, p_category smallint, p_grace_ms integer, p_reason text, p_actor text, p_method text, p_trace text DEFAULT NULL, p_trace_state text DEFAULT NULL';
    const types = 'text, text, smallint, integer, text, text, text, text, text';
    await other.ledger.sql(`ALTER FUNCTION estop.latch(${types}) RENAME TO latch_itself`);
    await other.ledger.sql(`CREATE FUNCTION estop.latch(${parameters}) RETURNS TABLE (stop_id text, epoch bigint, scope_key text, category smallint, latched_at timestamptz, fresh boolean, reset_at timestamptz)
      LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RAISE NOTICE 'canceling wait for synchronous replication' USING ERRCODE = '01000'; RETURN QUERY SELECT * FROM estop.latch_itself($1, $2, $3, $4, $5, $6, $7); END $$`);
    await other.ledger.sql(`GRANT EXECUTE ON FUNCTION estop.latch(${types}) TO estop_latch`);
    const ran = await other.run(['stop', 'fleet', '--direct', '--yes', '--no-wait'], {
      env: { ESTOP_DIRECT_URL: other.ledger.urls.estop_latch },
    });
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining('NOT STOPPED')]);
    expect(ran.stdout + ran.stderr).not.toMatch(/^latched/m);
    expect(ran.stderr).toContain('canceling wait for synchronous replication');
  });

  it('--direct stops nothing of another environment, and nothing that is no scope', async () => {
    const env = { ESTOP_DIRECT_URL: rig.ledger.urls.estop_latch };
    const foreign = await rig.run(['stop', 'task', `task_prod_${newId('task').slice(-26)}`, '--direct', '--no-wait'], {
      env,
    });
    const odd = await rig.run(['stop', 'agent', 'x', '--direct', '--no-wait', '--stop-id', 'mine'], { env });
    expect([foreign.code, odd.code]).toEqual([2, 2]);
    const nowhere = await rig.run(['stop', 'agent', 'x', '--direct', '--no-wait']);
    expect([nowhere.code, nowhere.stderr]).toEqual([2, expect.stringContaining('ESTOP_DIRECT_URL')]);
  });

  const address = inject('temporalAddress');
  const itHasTemporal = itWhere(address !== '', 'the Temporal CLI, or Go 1.26.4 or newer, for an intake');
  itHasTemporal('--direct without a store goes through the intake and says accepted, never latched', async () => {
    const environment = `cli${Math.trunc(Math.random() * 1e6)}`;
    const stopId = `stop_${environment}_${newId('stop').slice(-26)}`;
    const ran = await rig.run(['stop', 'agent', 'billing-bot', '--direct', '--no-wait', '--stop-id', stopId], {
      env: {
        ESTOP_ENVIRONMENT: environment,
        ESTOP_TEMPORAL_ADDRESS: address,
        ESTOP_DIRECT_URL: 'postgres://x:y@127.0.0.1:1/none',
      },
    });
    expect(ran.code).toBe(6);
    expect(ran.stderr).toContain('accepted agent:billing-bot, not latched yet');
    expect(ran.stderr).not.toMatch(/^latched/m);
    const connection = await Connection.connect({ address });
    const workflow = new Client({ connection, namespace: 'estop-control' }).workflow.getHandle(
      `stop-intake/${environment}`,
    );
    const history = await workflow.fetchHistory();
    const signal = history.events?.find(
      (event) => event.workflowExecutionSignaledEventAttributes,
    )?.workflowExecutionSignaledEventAttributes;
    expect(signal?.signalName).toBe('order');
    expect(Buffer.from(signal?.input?.payloads?.[0]?.data ?? []).toString()).toContain(stopId);
    await workflow.terminate();
    await connection.close();
  });

  it('--direct with the store and Temporal away says NOT STOPPED, and how to order the same stop again', async () => {
    const ran = await rig.run(['stop', 'agent', 'billing-bot', '--direct', '--no-wait'], {
      env: { ESTOP_TEMPORAL_ADDRESS: '127.0.0.1:1', ESTOP_DIRECT_URL: 'postgres://x:y@127.0.0.1:1/none' },
    });
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(
      /NOT STOPPED: neither the store nor Temporal[\s\S]*estop stop agent billing-bot --direct --stop-id stop_test_\w{26} --yes/,
    );
  });

  it('the same --stop-id is the same stop, and for another scope it is refused', async () => {
    const stopId = newId('stop');
    const first = await rig.run(['stop', 'scope', 'model:a', '--stop-id', stopId, '--no-wait']);
    const again = await rig.run(['stop', 'model', 'a', '--stop-id', stopId, '--no-wait']);
    expect([first.code, again.code]).toEqual([0, 0]);
    expect(again.stderr).toContain('the same stop as before');
    const other = await rig.run(['stop', 'model', 'b', '--stop-id', stopId, '--no-wait']);
    expect(other.code).toBe(1);
    const direct = await rig.run(['stop', 'model', 'b', '--stop-id', stopId, '--no-wait', '--direct'], {
      env: { ESTOP_DIRECT_URL: rig.ledger.urls.estop_latch },
    });
    expect(direct.code).toBe(1);
    expect(direct.stderr).toContain('NOT in force');
    expect(await latched(stopId)).toMatchObject([{ scope_key: 'model:a' }]);
  });

  it('the same --stop-id after its reset stops nothing, and says so on either road', async () => {
    const stopId = newId('stop');
    await rig.run(['stop', 'model', 'r', '--stop-id', stopId, '--no-wait']);
    await fence(rig.ledger, stopId);
    await resetStop(rig.ledger.as('estop_control'), { stopId, actor: 'olga', reason: 'over' });
    for (const road of [[], ['--direct']]) {
      const ran = await rig.run(['stop', 'model', 'r', '--stop-id', stopId, '--no-wait', ...road], {
        env: { ESTOP_DIRECT_URL: rig.ledger.urls.estop_latch },
      });
      expect([ran.code, ran.stdout]).toEqual([1, '']);
      expect(ran.stderr).toContain('was reset');
    }
  });
});
