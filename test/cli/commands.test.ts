import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { requires } from '../kit/requires.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { fence, newId, stop } from '../store/ledger.ts';
import { loseReplies } from './lose-replies.ts';
import { type CliRig, deadUrl, escapes, makeCliRig, runCli, runInTerminal, runProgram } from './rig.ts';

requires('temporal')('the other commands', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig();
  });
  const close = (taskId: string, outcome: string) =>
    rig.ledger.sql("UPDATE estop.tasks SET state = 'closed', outcome = $2, closed_at = now() WHERE task_id = $1", [
      taskId,
      outcome,
    ]);

  it('a task is started, listed, shown, held, released and told of', async () => {
    const started = await rig.run(['task', 'start', 'billing-bot', 'Pay', 'invoice', '4711', '--purpose', 'May']);
    expect(started).toMatchObject({ code: 0, stderr: '' });
    const taskId = started.stdout.trim();
    expect(taskId).toMatch(/^task_test_[0-9a-z]{26}$/);
    expect((await rig.run(['task', 'ls', '--agent', 'billing-bot', '--in', 'open'])).stdout).toContain(taskId);
    expect((await rig.run(['task', 'show', taskId])).stdout).toMatch(/state +registered/);
    expect((await rig.run(['task', 'hold', taskId])).stdout).toMatch(/state +registered, held/);
    expect((await rig.run(['task', 'release', taskId])).code).toBe(0);
    const history = await rig.run(['task', 'history', taskId]);
    expect(history.stdout).toMatch(/registered for billing-bot {2}\(olga\)/);
    expect(history.stdout).toMatch(/held {2}\(olga\)/);
  });

  it('started from a profile, a task belongs to the service, so that the operator may approve its calls', async () => {
    const started = await runCli(['task', 'start', 'billing-bot', '-', '--state', rig.stateFolder], {
      input: 'Pay from standard input',
      cwd: rig.stateFolder,
    });
    expect(started.code).toBe(0);
    const shown = await runCli(['task', 'show', started.stdout.trim(), '--state', rig.stateFolder, '--json'], {
      cwd: rig.stateFolder,
    });
    expect(JSON.parse(shown.stdout)).toMatchObject({ requestedBy: 'backend' });
  });

  it('the same --idempotency-key is the same task, and the same stop', async () => {
    const args = ['task', 'start', 'mail-bot', 'hello', '--idempotency-key', 'once'];
    expect((await rig.run(args)).stdout).toBe((await rig.run(args)).stdout);
    const order = ['stop', 'model', 'keyed', '--no-wait', '--idempotency-key', 'once'];
    const [first, second] = [await rig.run(order), await rig.run(order)];
    expect(second.stdout).toBe(first.stdout);
    expect(second.stderr).toContain('the same stop as before');
  });

  it('where a change got no answer, the key is printed under which it can be tried again', async () => {
    const env = { ESTOP_CONTROL_URL: await deadUrl() };
    const retry = /Try again with --idempotency-key [0-9a-f-]{36}, which does it at most once/;
    for (const args of [
      ['task', 'start', 'billing-bot', 'x'],
      ['note', newId('stop'), 'x'],
      ['token', 'create', 'ci', '--role', 'viewer'],
    ]) {
      const ran = await rig.run(args, { env });
      expect([ran.code, ran.stderr]).toEqual([7, expect.stringMatching(retry)]);
      const said = JSON.parse((await rig.run([...args, '--json'], { env })).stdout) as object;
      expect(said).toMatchObject({ code: 'unreachable', idempotencyKey: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    }
    for (const asking of [
      ['task', 'ls'],
      ['stop', 'agent', 'billing-bot', '--dry-run'],
    ])
      expect((await rig.run(asking, { env })).stderr).not.toContain('--idempotency-key');
  });

  it('what was done, and its reply lost, is not done again: by itself, or by a person who has the key', async () => {
    const { stopId } = await stop(rig.ledger, 'model:noted');
    const taskId = (await rig.run(['task', 'start', 'billing-bot', 'x'])).stdout.trim();
    const lossy = await loseReplies(rig.control.url);
    const env = { ESTOP_CONTROL_URL: lossy.url };
    const count = async (what: string): Promise<number> =>
      Number((await rig.ledger.sql(`SELECT count(*)::int AS n FROM ${what}`))[0]?.['n']);
    const changes: readonly (readonly [string, readonly string[]])[] = [
      ["estop.tasks WHERE purpose = 'lost'", ['task', 'start', 'billing-bot', 'x', '--purpose', 'lost']],
      ["estop.audit WHERE after::text LIKE '%reply that was lost%'", ['note', stopId, 'a reply that was lost']],
      ["estop.audit WHERE kind = 'task.held'", ['task', 'hold', taskId]],
    ];
    for (const [what, args] of changes) {
      const before = await count(what);
      lossy.lose(1);
      expect([what, (await rig.run(args, { env })).code, await count(what)]).toEqual([what, 0, before + 1]);
      lossy.lose(Number.POSITIVE_INFINITY);
      const lost = await rig.run(args, { env });
      expect([what, lost.code, await count(what)]).toEqual([what, 7, before + 2]);
      const [, key = ''] = /--idempotency-key (\S+),/.exec(lost.stderr) ?? [];
      const again = await rig.run([...args, '--idempotency-key', key]);
      expect([what, again.code, await count(what)]).toEqual([what, 0, before + 2]);
    }
    expect(lossy.lost()).toBeGreaterThanOrEqual(changes.length * 4);
    await lossy.close();
  });

  it('--wait returns when the task is closed: 0 if it is done, 1 if not, 3 if it still runs', async () => {
    const ending = (outcome: string) => async (): Promise<void> => {
      for (;;) {
        const [row] = await rig.ledger.sql("SELECT task_id FROM estop.tasks WHERE purpose = $1 AND state <> 'closed'", [
          outcome,
        ]);
        if (row !== undefined) return void (await close(String(row['task_id']), outcome));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    for (const [outcome, code] of [
      ['done', 0],
      ['failed', 1],
    ] as const) {
      const [ran] = await Promise.all([
        rig.run(['task', 'start', 'billing-bot', 'x', '--purpose', outcome, '--wait=20s']),
        ending(outcome)(),
      ]);
      expect([outcome, ran.code]).toEqual([outcome, code]);
    }
    expect((await rig.run(['task', 'start', 'billing-bot', 'x', '--wait=300ms'])).code).toBe(3);
  });

  it('1, 2, 4, 5 and 7: each for what it means', async () => {
    await stop(rig.ledger, 'agent:mail-bot');
    const codes = {
      stopped: (await rig.run(['task', 'start', 'mail-bot', 'x'])).code,
      noPrompt: (await rig.run(['task', 'start', 'billing-bot'])).code,
      unknownCommand: (await rig.run(['tusk'])).code,
      mayNot: (await rig.run(['task', 'hold', newId('task')], { env: { ESTOP_TOKEN: rig.tokens.viewer } })).code,
      noToken: (await rig.run(['task', 'ls'], { env: { ESTOP_TOKEN: '' } })).code,
      noSuchTask: (await rig.run(['task', 'show', newId('task')])).code,
      noSuchAgent: (await rig.run(['task', 'start', 'nobody', 'x'])).code,
      away: (await rig.run(['task', 'ls'], { env: { ESTOP_CONTROL_URL: await deadUrl() } })).code,
      help: (await rig.run(['--help'])).code,
      helpOfOne: (await rig.run(['help', 'stop'])).code,
    };
    expect(codes).toEqual({
      stopped: 1,
      noPrompt: 2,
      unknownCommand: 2,
      mayNot: 4,
      noToken: 4,
      noSuchTask: 5,
      noSuchAgent: 5,
      away: 7,
      help: 0,
      helpOfOne: 0,
    });
  });

  it('an error is one sentence for a person, one object for a machine, and no escape sequence for either', async () => {
    const text = await rig.run(['task', 'show', 'x\u001b[31m\u202e']);
    expect([text.code, text.stdout]).toEqual([2, '']);
    expect(text.stderr).not.toMatch(escapes);
    const json = await rig.run(['task', 'show', newId('task'), '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ kind: 'error', code: 'unknown-task' });
    const file = await rig.run(['task', 'ls'], { env: { ESTOP_TOKEN: '', ESTOP_TOKEN_FILE: '/no/such\u001b[2J' } });
    expect([file.code, file.stderr]).toEqual([1, expect.stringContaining('/no/such<U+001B>[2J')]);
    expect((await rig.run(['\u001b]0;owned\u0007'])).stderr).not.toMatch(escapes);
  });

  it('a reset needs a reason and the name typed, or --yes; the fleet needs two people', async () => {
    const one = await stop(rig.ledger, 'model:m');
    expect((await rig.run(['reset', one.stopId, '--yes'])).code).toBe(2);
    expect((await rig.run(['reset', one.stopId, '--reason', 'x'])).code).toBe(2);
    const early = await rig.run(['reset', one.stopId, '--reason', 'x', '--yes']);
    expect([early.code, early.stderr]).toEqual([1, expect.stringContaining('not fenced yet')]);
    await fence(rig.ledger, one.stopId);
    const wrong = await runInTerminal(['reset', one.stopId, '--reason', 'x'], {
      env: rig.env,
      cwd: rig.stateFolder,
      input: 'y\r',
    });
    expect(wrong.code).toBe(130);
    const typed = await runInTerminal(['reset', one.stopId, '--reason', 'x'], {
      env: rig.env,
      cwd: rig.stateFolder,
      input: 'model:m\r',
    });
    expect(typed.code).toBe(0);
    // What it says of itself in the console: before and after.
    const unproved = /not proved yet: it has reached fenced, and the work on it goes on/;
    expect(typed.stdout.match(new RegExp(unproved, 'g'))).toHaveLength(2);
    const again = await rig.run(['reset', one.stopId, '--reason', 'twice', '--yes']);
    expect(again.stdout).toMatch(/^was reset before, at epoch \d+, by olga: x\n/);
    const fleet = await stop(rig.ledger, 'fleet');
    await fence(rig.ledger, fleet.stopId);
    const covered = await rig.run(['reset', one.stopId, '--reason', 'x', '--yes']);
    expect(covered.stdout.split('\n')[1]).toBe(`STILL STOPPED by ${fleet.stopId} over fleet`);
    const first = await rig.run(['reset', fleet.stopId, '--reason', 'checked', '--yes']);
    expect([first.code, first.stdout]).toEqual([3, expect.stringContaining('still latched until another person')]);
    expect(
      (
        await rig.run(['reset', fleet.stopId, '--reason', 'checked too', '--yes'], {
          env: { ESTOP_TOKEN: rig.tokens.rita },
        })
      ).code,
    ).toBe(0);
  });

  it('agents are listed with who answers for them and what stops them', async () => {
    const ran = await rig.run(['agents']);
    expect(ran.stdout).toMatch(/billing-bot +olga +sam/);
    expect(ran.stdout).toMatch(/mail-bot.*stop_test_/);
    expect(JSON.parse((await rig.run(['agents', '--json'])).stdout)).toMatchObject({
      items: [{ agentId: 'billing-bot' }, { agentId: 'mail-bot' }],
    });
  });

  it('keys are rotated in the state folder: new ones first, old ones kept', async () => {
    const before = JSON.parse(readFileSync(join(rig.stateFolder, 'keys', 'token.json'), 'utf8')) as {
      keys: { kid: string }[];
    };
    const ran = await runCli(['keys', 'rotate', 'token', '--state', rig.stateFolder], { cwd: rig.stateFolder });
    expect(ran.code).toBe(0);
    const after = JSON.parse(readFileSync(join(rig.stateFolder, 'keys', 'token.json'), 'utf8')) as {
      keys: { kid: string }[];
    };
    expect(after.keys.slice(1)).toEqual(before.keys);
    expect(ran.stdout).toContain(after.keys[0]?.kid);
    const nowhere = tempFolder();
    mkdirSync(join(nowhere, 'x'));
    expect((await runCli(['keys', 'rotate'], { cwd: join(nowhere, 'x') })).code).toBe(2);
  });

  it('a reader that has seen enough is no error', async () => {
    const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
    const ran = await runProgram(
      [
        '-e',
        `const { spawn } = require('node:child_process'); const c = spawn(process.execPath, [${JSON.stringify(main)}, '--help'], { stdio: ['ignore', 'pipe', 'inherit'] }); c.stdout.destroy(); c.on('close', (code) => process.exit(code));`,
      ],
      { env: rig.env },
    );
    expect([ran.code, ran.stderr]).toEqual([0, '']);
  });

  it('2: events do not begin after what is no event, as if nothing had been missed', async () => {
    for (const since of ['10m', 'garbage', '', 'ü\n']) {
      const ran = await rig.run(['events', '--since', since]);
      expect([ran.code, ran.stdout], since).toEqual([2, '']);
      expect(ran.stderr, since).toMatch(
        /--since: This is no id of an event.*-o jsonl.*without one the stream begins now/,
      );
    }
    const { stdout } = await rig.run(['events', '--since', '10m', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ code: 'invalid-input', errors: [{ pointer: '--since' }] });
  });

  it('the example of five lines runs', async () => {
    const example = fileURLToPath(new URL('../../examples/start-a-task.ts', import.meta.url));
    const [before] = await rig.ledger.sql("SELECT coalesce(array_agg(task_id), '{}') AS known FROM estop.tasks");
    const ending = (async () => {
      for (;;) {
        const [row] = await rig.ledger.sql(
          "SELECT task_id FROM estop.tasks WHERE requested_by = 'backend' AND task_id <> ALL ($1)",
          [before?.['known']],
        );
        if (row !== undefined) return void (await close(String(row['task_id']), 'done'));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    const [ran] = await Promise.all([
      runProgram([example], { env: { ...rig.env, ESTOP_TOKEN: rig.tokens.service }, cwd: rig.stateFolder }),
      ending,
    ]);
    expect(ran.stdout).toMatch(/^task_test_[0-9a-z]{26} ended: done\n$/);
    expect(ran.code).toBe(0);
  });
});
