import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { addAccessToken } from '../../src/runtime/keys/access-tokens.ts';
import { type ApprovalReason, requestApproval } from '../../src/store/approvals.ts';
import { noteTools } from '../../src/store/tool-pins.ts';
import { terms } from '../store/calls.ts';
import { agentSpec, digestOf, newId, startTask } from '../store/ledger.ts';
import { type CliRig, escapes, makeCliRig, runInTerminal } from './rig.ts';

describe('estop approvals, approve and deny', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig([agentSpec('billing-bot', { owner: 'maya' })]);
  });

  async function waitingCall(
    shown: string,
    approvers: 1 | 2 = 1,
    reasons: readonly ApprovalReason[] = [],
    toolKey = 'tool:bank/pay',
  ): Promise<string> {
    const task = await startTask(rig.ledger, agentSpec('billing-bot')); // requested by rita
    const approvalId = newId('appr');
    await requestApproval(rig.ledger.as('estop_gateway'), {
      approvalId,
      taskId: task.taskId,
      tokenEpoch: task.epoch,
      toolKey,
      digest: digestOf(shown),
      shown,
      ttlMs: 600_000,
      ...terms,
      approvers,
      reasons,
    });
    return approvalId;
  }

  it('a call that waits is shown whole and escaped, however it tries to hide', async () => {
    const shown = JSON.stringify({ to: 'safe', note: `${' '.repeat(300)}\u001b[8m\u202eSEND ALL\u001b[1A\r` })
      .replaceAll('\\u001b', '\u001b')
      .replaceAll('\\r', '\r');
    const approvalId = await waitingCall(shown);
    const ran = await rig.run(['approvals']);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain(approvalId);
    expect(ran.stdout).toMatch(/risk tier +unknown: the tool is not on record[\s\S]*written by the agent/);
    expect(ran.stdout).toContain('<U+001B>[8m<U+202E>SEND ALL<U+001B>[1A<U+000D>');
    expect(ran.stdout).toContain(`${[...shown].length} characters`);
    expect(ran.stdout).not.toMatch(escapes);
    expect(Math.max(...ran.stdout.split('\n').map((line) => line.length))).toBeLessThan(120);
  });

  it('says why a person is asked before it says what the agent wrote', async () => {
    const sentence =
      'Sends to "a\u202e\u001b[8m@evil.net", which you did not mention; it appears nowhere in this task.';
    const approvalId = await waitingCall('{"to":"x"}', 1, [{ policy: 'known-party', sentence }]);
    const ran = await rig.run(['approvals', approvalId]);
    expect(ran.stdout).toContain('Sends to "a<U+202E><U+001B>[8m@evil.net", which you did not mention');
    expect(ran.stdout).toContain('(known-party)');
    expect(ran.stdout.indexOf('a person is asked because')).toBeLessThan(ran.stdout.indexOf('written by the agent'));
    const { stdout } = await rig.run(['approvals', approvalId, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ reasons: [{ policy: 'known-party', sentence }] });
  });

  it('has the facts before the text, and after it what differs from the last one like it, before anybody says yes', async () => {
    const before = await waitingCall('{\n"amount": 41\n}');
    expect((await rig.run(['approve', before, '--yes'])).code).toBe(0);
    const approvalId = await waitingCall('{\n"amount": 4100\u001b[1A\n}');
    for (const ran of [await rig.run(['approvals', approvalId]), await rig.run(['approve', approvalId, '--yes'])]) {
      const text = `${ran.stdout}${ran.stderr}`;
      expect([ran.code, text]).toEqual([0, expect.stringMatching(/risk tier +unknown[\s\S]*owner +maya/)]);
      expect(text.indexOf('risk tier')).toBeLessThan(text.indexOf('written by the agent'));
      expect(text).toMatch(
        /the last one like it was (approved|redeemed)[\s\S]*- "amount": 41\n[\s\S]*\+ "amount": 4100<U\+001B>\[1A/,
      );
      expect(text).not.toMatch(escapes);
    }
  });

  it('names the tier of the tool and who says so, before what the agent wrote', async () => {
    const wipe = { tool: 'wipe', tier: 'destructive', hash: 'a'.repeat(64), definition: '{}', look: 'wipe' } as const;
    await noteTools(rig.ledger.as('estop_gateway'), 'bank', [{ ...wipe, labels: [], because: 'its name says wipe' }]);
    const approvalId = await waitingCall('{"amount":7}', 1, [], 'tool:bank/wipe');
    const facts = /^risk tier +(.*)$/m;
    const [one, all] = [await rig.run(['approvals', approvalId]), await rig.run(['approvals'])];
    expect(facts.exec(one.stdout)?.[1]).toBe('destructive, proposed: its name says wipe');
    expect(all.stdout).toMatch(/risk tier +destructive, as proposed/);
    const approved = await rig.run(['approve', approvalId, '--yes']);
    expect(facts.exec(approved.stderr)?.[1]).toBe('destructive, proposed: its name says wipe');
  });

  it('the first of two is told that another person must approve as well', async () => {
    const approvalId = await waitingCall('{"amount":1000000}', 2);
    const first = await rig.run(['approve', approvalId, '--yes']);
    expect([first.code, first.stderr]).toEqual([3, expect.stringContaining('two different people')]);
    expect(first.stderr).toContain('until another person approves it as well');
    const again = await rig.run(['approve', approvalId, '--yes']);
    expect([again.code, again.stderr]).toEqual([4, expect.stringContaining('first approved by')]);
  });

  it('several are denied at once, one denial each, and what was decided meanwhile is said', async () => {
    const [one, two, three] = [await waitingCall('a'), await waitingCall('b'), await waitingCall('c')];
    const stateOf = async (id: string): Promise<unknown> =>
      JSON.parse((await rig.run(['approvals', id, '--json'])).stdout).state;
    const both = await rig.run(['deny', one, two, '--reason', 'nobody asked for these']);
    expect([both.code, both.stdout.match(/state +denied/g)?.length]).toEqual([0, 2]);
    expect([await stateOf(one), await stateOf(two), await stateOf(three)]).toEqual(['denied', 'denied', 'pending']);
    const again = await rig.run(['deny', one, newId('appr'), three]);
    expect(again.code).toBe(3);
    expect(again.stderr).toMatch(new RegExp(`^${one}: decided already\\nappr_test_\\w+: there is none$`, 'm'));
    expect(await stateOf(three)).toBe('denied');
    const few = await rig.run(['deny', three, newId('appr')], { env: { ESTOP_TOKEN: rig.tokens.viewer } });
    expect(few.code).toBe(4);
  });

  it('approving needs a person or --yes; whoever asked for the task may only deny', async () => {
    const approvalId = await waitingCall('{"amount":1}');
    expect((await rig.run(['approve', approvalId])).code).toBe(2);
    const own = await rig.run(['approve', approvalId, '--yes'], { env: { ESTOP_TOKEN: rig.tokens.rita } });
    expect(own.code).toBe(4);
    const asked = await runInTerminal(['approve', approvalId], { env: rig.env, cwd: rig.stateFolder, input: 'y\r' });
    expect(asked.code).toBe(0);
    expect(asked.stdout).toContain('{"amount":1}');
    expect(asked.stdout.indexOf('{"amount":1}')).toBeLessThan(asked.stdout.indexOf('[y/N]'));
    expect(
      await rig.ledger.sql('SELECT state, decided_by FROM estop.approvals WHERE approval_id = $1', [approvalId]),
    ).toEqual([{ state: 'approved', decided_by: 'olga' }]);
    const other = await waitingCall('{"amount":2}');
    const denied = await rig.run(['deny', other, '--reason', 'wrong account'], {
      env: { ESTOP_TOKEN: rig.tokens.rita },
    });
    expect(denied).toMatchObject({ code: 0 });
    expect(denied.stdout).toMatch(/state +denied/);
    const late = await rig.run(['approve', other, '--yes']);
    expect([late.code, late.stdout]).toEqual([1, '']);
    expect(late.stderr).toContain('{"amount":2}');
    expect(late.stderr).toContain('It is denied.');
  });

  it('--yes shows what it lets through before it decides, and one call is shown by its id', async () => {
    const approvalId = await waitingCall('{"amount":3}');
    const ran = await rig.run(['approve', approvalId, '--yes']);
    expect([ran.code, ran.stdout]).toEqual([0, `approved  ${approvalId}\n`]);
    expect(ran.stderr).toContain('  | {"amount":3}');
    expect(ran.stderr).toMatch(/state +pending/);
    // What is riskiest is waited for after it was shown, and then approved.
    expect(ran.stderr).toContain('a few seconds after it was shown');
    const refused = await rig.ledger.sql(
      "SELECT subject FROM estop.audit WHERE kind = 'request.denied' AND subject LIKE '%' || $1 || '%'",
      [approvalId],
    );
    expect(refused).toEqual([]);
    const shown = await rig.run(['approvals', approvalId]);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/state +approved/);
    expect((await rig.run(['approvals', newId('appr')])).code).toBe(5);
    expect((await rig.run(['approve', newId('appr'), '--yes'])).code).toBe(5);
  });

  it('what was approved with a token is worth nothing soon after the token was taken out of tokens.json', async () => {
    const path = join(rig.stateFolder, 'tokens.json');
    const before = readFileSync(path, 'utf8');
    const token = addAccessToken(path, 'test', 'theo', ['approver']);
    const approvalId = await waitingCall('{"amount":5}');
    const ask = async (method: 'GET' | 'POST', path: string, body?: string) =>
      (
        await fetch(`${rig.control.url}/v1/approvals/${approvalId}${path}`, {
          method,
          headers: { 'authorization': `Bearer ${token}`, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body }),
        })
      ).status;
    // The file is looked at again within a second; then the call is shown, and approved a moment later.
    await expect.poll(() => ask('GET', '/context'), { timeout: 20_000 }).toBe(200);
    await expect.poll(() => ask('POST', ':decide', '{"decision":"approved"}'), { timeout: 20_000 }).toBe(200);
    const state = async () =>
      (await rig.ledger.sql('SELECT state FROM estop.approvals WHERE approval_id = $1', [approvalId]))[0]?.['state'];
    expect(await state()).toBe('approved');
    writeFileSync(`${path}.new`, before);
    renameSync(`${path}.new`, path);
    await expect.poll(state, { timeout: 20_000 }).toBe('closed');
  });
});
