import { beforeAll, describe, expect, it } from 'vitest';
import { StopView } from '../../src/contract/http/stops.ts';
import { mintIntend, mintRecheck } from '../../src/store/grants.ts';
import { agentSpec, fence, newId, startTask } from '../store/ledger.ts';
import { type CliRig, deadUrl, makeCliRig, runInTerminal, runProgram } from './rig.ts';

const stopIdIn = (text: string): string => /stop_test_[0-9a-z]{26}/.exec(text)?.[0] ?? '';
// The protocol of a terminal: what must never come out of a pipe.
const escapes = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;

describe('estop stop', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig();
  });
  const latched = async (stopId: string): Promise<readonly Record<string, unknown>[]> =>
    rig.ledger.sql('SELECT scope_key, category, reason, actor, method FROM estop.stops WHERE stop_id = $1', [stopId]);

  it('says latched at once, follows to the proof, and ends with 0', async () => {
    const endRelay = rig.startRelay();
    await startTask(rig.ledger, agentSpec('billing-bot'));
    const ran = await rig.run(['stop', 'agent', 'billing-bot', '--reason', 'wrong invoices']);
    await endRelay();
    expect(ran).toMatchObject({ code: 0 });
    const stopId = ran.stdout.trim();
    expect(await latched(stopId)).toEqual([
      { scope_key: 'agent:billing-bot', category: 0, reason: 'wrong invoices', actor: 'olga', method: 'cli' },
    ]);
    expect(ran.stderr).toMatch(/^latched agent:billing-bot in \d/);
    for (const stage of ['fenced', 'halted', 'revoked', 'proved']) expect(ran.stderr).toContain(`+ ${stage}`);
    expect(ran.stderr).toContain('1 of 1 tasks closed');
    expect(ran.stderr).toContain('everything under this stop is dead');
    expect(ran.stdout + ran.stderr).not.toMatch(escapes);
  });

  it('6: latched, and says what was not confirmed in the time', async () => {
    const ran = await rig.run(['stop', 'agent', 'mail-bot', '--wait=1s']);
    expect(ran.code).toBe(6);
    expect(ran.stderr).toContain('latched, not confirmed');
    expect(ran.stderr).toContain('fenced, halted, revoked, proved not verified');
    expect(ran.stderr).not.toContain('+ fenced');
    expect(await latched(ran.stdout.trim())).toHaveLength(1);
  });

  it('3: partial, when all that is left needs a person or a date', async () => {
    const task = await startTask(rig.ledger, agentSpec('stuck-bot')).catch(async () => {
      const { putAgents } = await import('../store/ledger.ts');
      await putAgents(rig.ledger, [agentSpec('stuck-bot')]);
      return startTask(rig.ledger, agentSpec('stuck-bot'));
    });
    const trusted = rig.ledger.as('estop_trusted');
    const grantId = newId('grant');
    await mintIntend(trusted, {
      grantId,
      name: 'db',
      taskId: task.taskId,
      connector: 'oauth',
      target: 'crm',
      shared: false,
      handle: {},
      epoch: task.epoch,
      lifeMs: 60_000,
    });
    await mintRecheck(trusted, grantId);
    const endRelay = rig.startRelay();
    const marking = (async () => {
      for (;;) {
        const rows = await rig.ledger.sql(
          "UPDATE estop.obligations SET needs_human = 'our own credential is refused', attempts = 7 WHERE grant_id = $1 RETURNING 1",
          [grantId],
        );
        if (rows.length > 0) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    const ran = await rig.run(['stop', 'task', task.taskId, '--wait=2s']);
    await Promise.all([marking, endRelay()]);
    expect(ran.code).toBe(3);
    expect(ran.stderr).toContain('partial: 1 of 1 need a person');
    expect(ran.stderr).toContain('NEEDS A PERSON: our own credential is refused');
  });

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
    const { execFile } = await import('node:child_process');
    const { fileURLToPath } = await import('node:url');
    const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
    const direct = await new Promise<string>((resolve) => {
      execFile(
        'sh',
        ['-c', `${command} --no-wait`],
        {
          cwd: rig.stateFolder,
          env: { PATH: process.env['PATH'] ?? '', ...rig.env, ...away, NODE: process.execPath, MAIN: main },
        },
        (_error, stdout, stderr) => resolve(stdout + stderr),
      );
    });
    expect(direct).toContain('latched agent:billing-bot');
    expect(await latched(stopId)).toMatchObject([
      { scope_key: 'agent:billing-bot', reason: "it's; $(touch x) `y`", method: 'direct' },
    ]);
  });

  it('goes to the stop process alone: control may be dead', async () => {
    const ran = await rig.run(['stop', 'agent', 'billing-bot', '--wait=1s'], {
      env: { ESTOP_CONTROL_URL: await deadUrl() },
    });
    expect(ran.code).toBe(6);
    expect(await latched(ran.stdout.trim())).toHaveLength(1);
    expect(ran.stderr).toContain('control cannot be reached');
    expect(ran.stderr).toContain('latched: nothing beyond that was verified here');
  });

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
    const { makeCliRig: make } = await import('./rig.ts');
    const other = await make();
    const parameters =
      'p_stop_id text, p_scope_key text, p_category smallint, p_grace_ms integer, p_reason text, p_actor text, p_method text';
    const types = 'text, text, smallint, integer, text, text, text';
    await other.ledger.sql(`ALTER FUNCTION estop.latch(${types}) RENAME TO latch_itself`);
    await other.ledger.sql(`CREATE FUNCTION estop.latch(${parameters}) RETURNS TABLE (stop_id text, epoch bigint, scope_key text, category smallint, latched_at timestamptz, fresh boolean)
      LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RAISE WARNING 'canceling wait for synchronous replication'; RETURN QUERY SELECT * FROM estop.latch_itself($1, $2, $3, $4, $5, $6, $7); END $$`);
    await other.ledger.sql(`GRANT EXECUTE ON FUNCTION estop.latch(${types}) TO estop_latch`);
    const ran = await other.run(['stop', 'fleet', '--direct', '--yes', '--no-wait'], {
      env: { ESTOP_DIRECT_URL: other.ledger.urls.estop_latch },
    });
    expect(ran.code).toBe(1);
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

  it('--direct without a store goes through the intake and says accepted, never latched', async () => {
    const { Client, Connection } = await import('@temporalio/client');
    const { inject } = await import('vitest');
    const address = inject('temporalAddress');
    if (address === '') return;
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

  it('the same --stop-id is the same stop, and for another scope it is refused', async () => {
    const stopId = newId('stop');
    const first = await rig.run(['stop', 'model', 'a', '--stop-id', stopId, '--no-wait']);
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

  it.each([
    ['fleet without a terminal and without --yes', ['stop', 'fleet']],
    ['an agent that is no name', ['stop', 'agent', 'Billing Bot']],
    ['a label without a value', ['stop', 'label', 'team']],
    ['an unknown option', ['stop', 'agent', 'billing-bot', '--now']],
    ['no scope', ['stop']],
    ['a category that is none', ['stop', 'agent', 'billing-bot', '--category', '2']],
    ['a duration that is none', ['stop', 'agent', 'billing-bot', '--wait=soon']],
  ])('2: %s, and nothing is stopped', async (_what, args) => {
    const before = await rig.ledger.sql('SELECT count(*)::int AS n FROM estop.stops');
    const ran = await rig.run(args);
    expect([args, ran.code]).toEqual([args, 2]);
    expect(await rig.ledger.sql('SELECT count(*)::int AS n FROM estop.stops')).toEqual(before);
  });

  it('--wait before the scope does not swallow it', async () => {
    const ran = await rig.run(['stop', '--json', 'agent', '--wait', 'billing-bot', '--no-wait']);
    expect(ran.code).toBe(0);
    expect(JSON.parse(ran.stdout)).toMatchObject({ kind: 'result', verdict: 'latched', receipt: { state: 'latched' } });
  });

  it('4: a wrong token, a token of another environment and a role that may not stop', async () => {
    for (const token of [`estop_test_${'a'.repeat(43)}`, `estop_prod_${'a'.repeat(43)}`, rig.tokens.viewer]) {
      const ran = await rig.run(['stop', 'agent', 'billing-bot', '--no-wait'], { env: { ESTOP_TOKEN: token } });
      expect(ran.code).toBe(4);
      expect(ran.stdout + ran.stderr).not.toContain(token);
    }
  });

  it('--dry-run counts and stops nothing', async () => {
    const before = await rig.ledger.sql('SELECT count(*)::int AS n FROM estop.stops');
    const ran = await rig.run(['stop', 'agent', 'billing-bot', '--dry-run']);
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stdout).toMatch(/It covers \d+ open tasks/);
    expect(await rig.ledger.sql('SELECT count(*)::int AS n FROM estop.stops')).toEqual(before);
  });

  it('--json is one document on stdout; jsonl is the receipt, the changes and the result', async () => {
    const endRelay = rig.startRelay();
    const json = await rig.run(['stop', 'tool', 'files/delete', '--json']);
    const jsonl = await rig.run(['stop', 'tool', 'files/read', '-o', 'jsonl']);
    await endRelay();
    expect([json.code, jsonl.code]).toEqual([0, 0]);
    const document = JSON.parse(json.stdout) as { stop: unknown; verdict: string };
    expect(document.verdict).toBe('proved');
    expect(StopView.parse(document.stop).evidence).toBe('nothing-to-revoke');
    const kinds = jsonl.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { kind: string }).kind);
    expect(kinds[0]).toBe('receipt');
    expect(kinds.at(-1)).toBe('result');
    expect(jsonl.stderr).toBe('');
  });

  it('show and ls tell how far a stop is; 5 for one that nobody ordered', async () => {
    const { stdout } = await rig.run([
      'stop',
      'connector',
      'postgres',
      '--reason',
      'a\u001b]0;owned\u0007b',
      '--no-wait',
    ]);
    const stopId = stdout.trim();
    await fence(rig.ledger, stopId);
    const show = await rig.run(['stop', 'show', stopId]);
    expect(show.code).toBe(0);
    expect(show.stdout).toContain('connector:postgres');
    expect(show.stdout).toContain('a<U+001B>]0;owned<U+0007>b');
    expect(show.stdout).not.toMatch(escapes);
    const list = await rig.run(['stop', 'ls', '--in-force', '--limit', '3']);
    expect(list.stdout).toContain(stopId);
    expect(list.stdout.split('\n')[0]).toMatch(/^STOP +EPOCH +SCOPE/);
    expect((await rig.run(['stop', 'show', newId('stop')])).code).toBe(5);
    expect((await rig.run(['stop', 'show', 'nonsense'])).code).toBe(2);
  });

  it('--watch, piped, is one JSON line an event until it is proved', async () => {
    const { stdout } = await rig.run(['stop', 'connector', 'redis', '--no-wait']);
    const watching = rig.run(['stop', 'show', stdout.trim(), '--watch']);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const endRelay = rig.startRelay();
    const ran = await watching;
    await endRelay();
    expect(ran.code).toBe(0);
    const last = JSON.parse(ran.stdout.trim().split('\n').at(-1) ?? '') as { name: string; data: { reached: string } };
    expect(last).toMatchObject({ name: 'stop', data: { reached: 'proved' } });
  });

  it('130: a person who is asked about the fleet and says no stops nothing', async () => {
    const before = await rig.ledger.sql("SELECT count(*)::int AS n FROM estop.stops WHERE scope_key = 'fleet'");
    const no = await runInTerminal(['stop', 'fleet'], { env: rig.env, cwd: rig.stateFolder, input: 'n\r' });
    expect(no.stdout).toMatch(/Stop the whole fleet\? It covers \d+ open tasks/);
    expect(no.code).toBe(130);
    for (const key of ['\u0003', '\u0004', '\r', 'stop\r']) {
      const other = await runInTerminal(['stop', 'fleet'], { env: rig.env, cwd: rig.stateFolder, input: key });
      expect([key, other.code, other.stdout.includes('error')]).toEqual([key, 130, false]);
    }
    expect(await rig.ledger.sql("SELECT count(*)::int AS n FROM estop.stops WHERE scope_key = 'fleet'")).toEqual(
      before,
    );
    const yes = await runInTerminal(['stop', 'fleet', '--no-wait'], {
      env: rig.env,
      cwd: rig.stateFolder,
      input: 'y\r',
    });
    expect(yes.code).toBe(0);
    expect(await rig.ledger.sql("SELECT count(*)::int AS n FROM estop.stops WHERE scope_key = 'fleet'")).not.toEqual(
      before,
    );
  });

  it('on a terminal it draws one block over itself and leaves no half line', async () => {
    const endRelay = rig.startRelay();
    const ran = await runInTerminal(['stop', 'model', 'live'], { env: rig.env, cwd: rig.stateFolder });
    await endRelay();
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain('\u001b[2K');
    expect(ran.stdout).toContain('everything under this stop is dead');
    const plain = await runInTerminal(['stop', 'model', 'plain', '--no-wait'], {
      env: { ...rig.env, NO_COLOR: '1' },
      cwd: rig.stateFolder,
    });
    expect(plain.stdout).not.toContain('\u001b[3');
  });

  it('does not load what a stop does not need', async () => {
    const script = `import { registerHooks } from 'node:module';
      registerHooks({ load: (url, context, next) => { if (/node_modules\\/(pg|@temporalio|zod|hono|yaml)\\//.test(url)) console.error('LOADED ' + url); return next(url, context); } });
      process.argv.splice(1, 1, 'estop');
      const { runCli } = await import(${JSON.stringify(new URL('../../dist/src/cli/program.js', import.meta.url).href)});
      process.exitCode = await runCli(['stop', 'agent', 'billing-bot', '--no-wait']);`;
    const ran = await runProgram(['--input-type=module', '-e', script], { env: rig.env, cwd: rig.stateFolder });
    expect(ran.stderr).toContain('latched');
    expect(ran.stderr).not.toContain('LOADED');
  });
});
