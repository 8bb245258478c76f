import { beforeAll, describe, expect, it } from 'vitest';
import { StopView } from '../../src/contract/http/stops.ts';
import { mintIntend, mintRecheck } from '../../src/store/grants.ts';
import { agentSpec, fence, newId, putAgents, startTask } from '../store/ledger.ts';
import { type CliRig, deadUrl, escapes, makeCliRig, runProgram } from './rig.ts';

describe('estop stop', () => {
  let rig: CliRig;
  beforeAll(async () => {
    const tiers = { delete: 'destructive', read: 'read', list: 'read' } as const;
    rig = await makeCliRig(undefined, { toolServers: [{ serverId: 'files', tiers }] });
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
    expect(ran.stderr).toContain('1 of 1 task closed');
    expect(ran.stderr).toContain('everything under this stop is dead');
    expect(ran.stdout + ran.stderr).not.toMatch(escapes);
    expect((await rig.run(['stop', 'show', stopId])).code).toBe(0);
  });

  it('5: of a name that nobody here goes by it never says that everything is dead, though it is in force and proved', async () => {
    const endRelay = rig.startRelay();
    for (const name of [
      ['agent', 'biling-bot'],
      ['tool', 'files/delte'],
    ]) {
      const ran = await rig.run(['stop', ...name]);
      expect([ran.code, ran.stderr]).toEqual([
        5,
        expect.stringMatching(/NOBODY HERE GOES BY THIS NAME[\s\S]*NOTHING WAS STOPPED/),
      ]);
      expect(ran.stderr).not.toContain('is dead');
      expect(ran.stderr.includes('Did you mean: estop stop agent billing-bot\n')).toBe(name[0] === 'agent');
      expect(await latched(ran.stdout.trim())).toHaveLength(1);
    }
    await endRelay();
    expect((await rig.run(['stop', 'ls'])).stdout).toMatch(/agent:biling-bot +nobody goes by this name /);
    const dry = await rig.run(['stop', 'agent', 'biling-bot', '--dry-run']);
    expect(dry.stdout).toMatch(/Nobody and nothing here.*\nDid you mean: estop stop agent billing-bot\n/);
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
    await putAgents(rig.ledger, [agentSpec('stuck-bot')]);
    const task = await startTask(rig.ledger, agentSpec('stuck-bot'));
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
    const stopId = ran.stdout.trim();
    const stuck = await rig.run(['stop', 'show', stopId]);
    expect(stuck.code).toBe(3);
    expect(stuck.stdout).toContain(`  estop accept-risk ${stopId}/${grantId} --reason`);
    expect(ran.stderr).toContain('partial: 1 of 1 needs a person');
    expect(ran.stderr).toContain('NEEDS A PERSON: our own credential is refused');
    expect(stuck.stdout).not.toContain('LAST TRY');
    await rig.ledger.sql("UPDATE estop.obligations SET last_error = 'fence: it cannot be reached' WHERE stop_id = $1", [
      stopId,
    ]);
    expect((await rig.run(['stop', 'show', stopId])).stdout).toContain(
      'NEEDS A PERSON: our own credential is refused LAST TRY: fence: it cannot be reached',
    );

    // 3 as well when a person takes the rest upon them: the stages are all reached, and something may live.
    const accepting = await rig.run(['accept-risk', `${stopId}/${grantId}`, '--reason', 'the system is gone', '--yes']);
    expect(accepting.code).toBe(0);
    const endOther = rig.startRelay();
    const again = await rig.run(['stop', 'task', task.taskId, '--stop-id', stopId, '--json']);
    await endOther();
    expect(again.code).toBe(3);
    expect(JSON.parse(again.stdout)).toMatchObject({ verdict: 'accepted-risk', stop: { reached: 'proved' } });
    for (const args of [[], ['--watch']]) {
      const shown = await rig.run(['stop', 'show', stopId, ...args]);
      expect([args, shown.code]).toEqual([args, 3]);
    }
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

  it.each([
    ['fleet without a terminal and without --yes', ['stop', 'fleet']],
    ['an agent that is no name', ['stop', 'agent', 'Billing Bot'], 'only a-z, 0-9 and "-"'],
    ['an agent with a look-alike', ['stop', 'agent', 'billing-bоt'], 'Character 10 of this one is U+043E'],
    ['a tool without a server', ['stop', 'tool', 'refund'], 'looks like server/tool'],
    ['a label without a value', ['stop', 'label', 'team'], 'looks like team=finance'],
    ['an unknown option', ['stop', 'agent', 'billing-bot', '--now']],
    ['no scope', ['stop']],
    ['a category that is none', ['stop', 'agent', 'billing-bot', '--category', '2']],
    ['a duration that is none', ['stop', 'agent', 'billing-bot', '--wait=soon']],
  ])('2: %s, and nothing is stopped', async (_what, args, fix = '') => {
    const before = await rig.ledger.sql('SELECT count(*)::int AS n FROM estop.stops');
    const ran = await rig.run(args);
    expect([args, ran.code, ran.stderr]).toEqual([args, 2, expect.stringContaining(fix)]);
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

  it('says NOT STOPPED and how else, where another server is at the address of the stop process', async () => {
    const ran = await rig.run(['stop', 'agent', 'billing-bot', '--no-wait'], {
      env: { ESTOP_STOP_URL: rig.control.url },
    });
    expect([ran.code, ran.stdout]).toEqual([1, '']);
    expect(ran.stderr).toMatch(/NOT STOPPED[^]*estop stop agent billing-bot --direct --stop-id stop_test_/);
  });

  it('--dry-run counts and stops nothing', async () => {
    const before = await rig.ledger.sql('SELECT count(*)::int AS n FROM estop.stops');
    const ran = await rig.run(['stop', 'agent', 'billing-bot', '--dry-run']);
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stdout).toMatch(/It covers (1 open task|\d+ open tasks) of (1 agent|\d+ agents), 0 calls in flight/);
    expect(await rig.ledger.sql('SELECT count(*)::int AS n FROM estop.stops')).toEqual(before);
  });

  it('a stop that was looked at first is ordered under the id of that preview, and once', async () => {
    const looked = await rig.run(['stop', 'label', 'team=looked-at', '--dry-run']);
    const [, id = ''] = /--stop-id (\S+)/.exec(looked.stdout) ?? [];
    expect(looked.stdout).toContain(`Scope label:team=looked-at, previewed as ${id}.`);
    const again = await rig.run(['stop', 'label', 'team=looked-at', '--dry-run', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ scopeKey: 'label:team=looked-at', previewId: expect.any(String) });
    expect((JSON.parse(again.stdout) as { previewId: string }).previewId).not.toBe(id);
    const order = ['stop', 'label', 'team=looked-at', '--no-wait', '--stop-id', id];
    expect((await rig.run(order)).stderr).toContain(id);
    expect((await rig.run(order)).stderr).toContain('the same stop as before');
    expect(await rig.ledger.sql("SELECT stop_id FROM estop.stops WHERE scope_key = 'label:team=looked-at'")).toEqual([
      { stop_id: id },
    ]);
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
    expect(show.code).toBe(6); // fenced, and no more: not confirmed
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
    const { stdout } = await rig.run(['stop', 'tool', 'files/list', '--no-wait']);
    const watching = rig.run(['stop', 'show', stdout.trim(), '--watch']);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const endRelay = rig.startRelay();
    const ran = await watching;
    await endRelay();
    expect(ran.code).toBe(0);
    const last = JSON.parse(ran.stdout.trim().split('\n').at(-1) ?? '') as { name: string; data: { reached: string } };
    expect(last).toMatchObject({ name: 'stop', data: { reached: 'proved' } });
    // Whoever comes when it is over is told so as well.
    const late = await rig.run(['stop', 'show', stdout.trim(), '--watch']);
    expect([late.code, JSON.parse(late.stdout)]).toMatchObject([0, { name: 'stop', data: { reached: 'proved' } }]);
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
