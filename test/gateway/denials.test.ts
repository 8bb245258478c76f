import { expect, it } from 'vitest';
import { sentenceOf } from '../../src/control/history-sentence.ts';
import { readPolicyFolder } from '../../src/policy/read-folder.ts';
import { policiesFolder } from '../../src/runtime/package-root.ts';
import { taskHistory } from '../../src/store/task-history.ts';
import { ask, makeModelRig, question, startWriter } from './model/model-rig.ts';
import { callTool, makeRig, type Rig, until, untilReady } from './rig.ts';

const team = `@id("no-reminders") @deny("No.") forbid (principal, action == Action::"billing/send_reminder", resource);
@id("no-models") @deny("No.") forbid (principal, action == Action::"model", resource);`;
const policies = { ...readPolicyFolder(policiesFolder), 'team.cedar': team };
const rowsOf = (rig: Rig, taskId: string) =>
  rig.ledger.sql(
    // A machine that is busy may need more than one second, and so more than one row, for the same refusals.
    `SELECT agent_id, asked, encode(digest, 'hex') AS digest, reason, policy_version, policies, sum(times)::int AS times
     FROM estop.denials WHERE task_id = $1 GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY min(denial_id)`,
    [taskId],
  );

it('what policy refused is in the record with who, what, why and how often, and in the history of its task', async () => {
  const rig = await makeRig();
  const gateway = await rig.startGateway({ policies });
  await untilReady(gateway);
  const task = await rig.startTask();
  const token = await rig.token(task);
  for (let call = 0; call < 3; call += 1)
    await callTool(gateway, token, 'billing__send_reminder', { invoice_id: 'INV-1' });
  await callTool(gateway, token, 'billing__no_such_tool_of_mine', {});
  await callTool(gateway, token, 'billing__get_invoice', { invoice_id: 'INV-1' });
  await gateway.close();
  const rows = await rowsOf(rig, task.taskId);
  expect(rows).toMatchObject([
    {
      agent_id: 'billing-bot',
      asked: 'tool:billing/send_reminder',
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      reason: 'denied-by-policy',
      policy_version: expect.stringMatching(/^[0-9a-f]{16}$/),
      policies: ['no-reminders'],
      times: 3,
    },
    // The name was the agent's own: it is not kept.
    { asked: 'tool-call', digest: null, reason: 'tool-not-available', policies: [] },
  ]);
  expect(await rig.ledger.sql('SELECT 1 FROM estop.calls WHERE task_id = $1', [task.taskId])).toHaveLength(1);
  const history = (await taskHistory(rig.ledger.as('estop_control'), task.taskId, 50)).map(sentenceOf);
  const digest = String(rows[0]?.['digest']).slice(0, 12);
  expect(history).toContainEqual(
    expect.stringContaining(`billing/send_reminder refused: denied-by-policy, by no-reminders, digest ${digest}`),
  );
});

it('a refused model is in it as well, and a store that is away delays no refusal', async () => {
  const bed = await makeModelRig({ policies });
  const { task, token } = await startWriter(bed);
  await bed.rig.ledger.sql('REVOKE EXECUTE ON FUNCTION estop.note_denials(text, jsonb) FROM estop_gateway', []);
  expect((await ask(bed, token, question)).code).toBe('denied-by-policy');
  await until(() => bed.rig.logLines.some(({ fields }) => fields['event'] === 'denial.trouble'));
  await bed.rig.ledger.sql('GRANT EXECUTE ON FUNCTION estop.note_denials(text, jsonb) TO estop_gateway', []);
  const rows = await until(async () => {
    const found = await rowsOf(bed.rig, task.taskId);
    return found.length > 0 && found;
  });
  expect(rows).toMatchObject([{ asked: 'model:gpt', policies: ['no-models'], times: 1 }]);
});
