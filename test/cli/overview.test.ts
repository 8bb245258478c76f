import { beforeAll, expect, it } from 'vitest';
import { appendAudit } from '../../src/store/audit.ts';
import { beginDrill, drillsUnderWay, finishDrill } from '../../src/store/drills.ts';
import { closeTasks } from '../../src/store/tasks.ts';
import { requires } from '../kit/requires.ts';
import { agentSpec, startChild, startTask, stop } from '../store/ledger.ts';
import { type CliRig, makeCliRig } from './rig.ts';

requires('temporal')('what an operator looks at in a terminal', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig(undefined, { connectors: [{ connectorId: 'crm', system: 'oauth', options: {} }] });
  });

  it('what runs is listed and searched', async () => {
    expect((await rig.run(['task', 'start', 'billing-bot', 'x'])).code).toBe(0);
    const shown = await rig.run(['now', '--search', 'billing']);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toMatch(/1 agent running, 1 open task, 0 calls waiting[\s\S]*billing-bot +1 /);
    // What is stopped is said where nothing runs any more.
    const { stopId } = await stop(rig.ledger, 'label:team=nobody');
    expect((await rig.run(['now'])).stdout).toMatch(/^1 stop in force \(label:team=nobody\): estop stop ls$/m);
    await rig.ledger.sql(
      "UPDATE estop.stops SET reset_epoch = epoch + 1, reset_at = clock_timestamp(), reset_by = 'x', reset_reason = 'x' WHERE stop_id = $1",
      [stopId],
    );
    expect((await rig.run(['task', 'ls', '--agent', 'mail-bot'])).stderr).toContain('No task matches.');
    expect(JSON.parse((await rig.run(['now', '--json'])).stdout)).toMatchObject({
      agents: 1,
      items: [{ agentId: 'billing-bot' }],
    });
  });

  it('a stop gets its reason afterwards, and the audit has both', async () => {
    const { stopId } = await stop(rig.ledger, 'agent:mail-bot');
    expect(await rig.run(['note', stopId, 'it', 'wrote', 'to', 'the', 'wrong', 'ledger'])).toMatchObject({ code: 0 });
    const line = await rig.run(['stop', 'timeline', stopId]);
    expect(line.stdout).toMatch(
      /^\S+ [\d:.]+ {2}latched .* {2}\(.*\)\n[\s\S]*note: it wrote to the wrong ledger {2}\(olga\)$/m,
    );
    expect(JSON.parse((await rig.run(['stop', 'timeline', stopId, '--json'])).stdout)).toMatchObject({
      truncated: false,
    });
    const audit = await rig.run(['audit', '--subject', stopId]);
    expect(audit.stdout).toMatch(/stop\.noted[\s\S]*wrong ledger[\s\S]*stop\.latched/);
    const head = /^WHEN +WHAT +WHO +HOW +TO WHAT +WHY +BEFORE → AFTER +DETAIL/;
    expect(audit.stdout).toMatch(head);
    expect(audit.stdout).toMatch(/stop\.noted +\S+ +cli .*text: .*wrong ledger/);
    expect(audit.stdout).toMatch(/stop\.latched +\S+ +api .*inForce: no → yes/);
    const lines = (await rig.run(['audit', '--kind', 'stop.', '-o', 'jsonl'])).stdout.trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { kind: string }).kind)).toEqual(
      expect.arrayContaining(['stop.noted', 'stop.latched']),
    );
  });

  it('one agent is shown with all that it can reach', async () => {
    const shown = await rig.run(['agents', 'billing-bot']);
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringMatching(/owner[\s\S]*may start[\s\S]*reaches/i) });
    expect(JSON.parse((await rig.run(['agents', 'billing-bot', '--json'])).stdout)).toMatchObject({
      agentId: 'billing-bot',
    });
    expect((await rig.run(['agents', 'nobody'])).code).toBe(5);
  });

  it('a task is shown with all that it started, parents above their children', async () => {
    const parent = agentSpec('billing-bot', { mayStart: ['billing-bot'] });
    const root = await startTask(rig.ledger, parent);
    const child = await startChild(rig.ledger, root, parent, agentSpec('billing-bot'));
    const { code, stdout } = await rig.run(['task', 'tree', child.taskId]);
    expect([
      code,
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.slice(0, line.lastIndexOf('_'))),
    ]).toEqual([0, ['task_test', '  task_test']]);
    expect(stdout.indexOf(root.taskId)).toBeLessThan(stdout.indexOf(child.taskId));
  });

  it('a drill ends with 0 only if it is proved, is nobody’s but an operator’s, and stands one at a time', async () => {
    const revoker = rig.ledger.as('estop_revoker');
    const drill = async (end: (taskId: string) => Promise<unknown>): ReturnType<CliRig['run']> => {
      const running = rig.run(['connector', 'drill', 'crm', '--json']);
      const asked = async (): Promise<string | undefined> => (await drillsUnderWay(revoker))[0]?.taskId;
      await expect.poll(asked, { timeout: 20_000 }).toBeDefined();
      // One is under way: another is refused, and does not take the place of the first.
      expect(await rig.run(['connector', 'drill', 'crm'])).toMatchObject({ code: 1 });
      await beginDrill(revoker, (await asked()) ?? '');
      // It is named beside what runs, and is no agent that runs.
      const now = (await rig.run(['now'])).stdout;
      expect([now.includes('drill under way at crm: estop connectors'), now.includes('drill/crm')]).toEqual([
        true,
        false,
      ]);
      await closeTasks(revoker, [(await asked()) ?? ''], 'drill');
      await end((await asked()) ?? '');
      return running;
    };
    const failed = await drill((taskId) => finishDrill(revoker, taskId, { state: 'failed', why: 'it did not hold' }));
    expect(failed).toMatchObject({ code: 1, stdout: expect.stringContaining('it did not hold') });
    const impossible = await drill((taskId) => finishDrill(revoker, taskId, { state: 'impossible', why: 'none' }));
    expect(impossible.code).toBe(1);
    expect(await rig.run(['connector', 'drill', 'crm'], { env: { ESTOP_TOKEN: rig.tokens.viewer } })).toMatchObject({
      code: 4,
    });
    expect((await rig.run(['connector', 'show', 'crm'])).stdout).toMatch(/last drill +impossible .* by olga, none/);
    expect((await rig.run(['connector', 'show', 'nobody'])).code).toBe(5);
    // They drown no list of tasks, and are there for whoever asks.
    expect((await rig.run(['task', 'ls'])).stdout).not.toContain('drill/crm');
    for (const args of [['--drills'], ['--agent', 'drill/crm']])
      expect((await rig.run(['task', 'ls', ...args])).stdout.match(/drill\/crm/g)).toHaveLength(2);
    const { stdout } = await rig.run(['audit', '--kind', 'drill.', '--json']);
    expect(stdout).toMatch(/drill\.failed/);
    expect(stdout).toMatch(/"actor": ?"olga"/);
  }, 60_000);

  it('the audit comes whole, page after page, as lines', async () => {
    for (let index = 0; index < 250; index += 1)
      await appendAudit(rig.ledger.as('estop_control'), {
        kind: 'stop.noted',
        actor: 'many',
        subject: 'x',
        detail: { index },
      });
    const { code, stdout } = await rig.run(['audit', '--actor', 'many', '--all', '-o', 'jsonl']);
    const seen = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { detail: { index: number } }).detail.index);
    expect([code, seen]).toEqual([0, Array.from({ length: 250 }, (_, index) => 249 - index)]);
    expect((await rig.run(['audit', '--all', '--json'])).code).toBe(2);
  });

  it('a connector that nobody has asked yet is not relied on', async () => {
    expect(await rig.run(['connectors'])).toMatchObject({ code: 3 });
  });
});
