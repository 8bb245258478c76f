import { expect, it } from 'vitest';
import { bindPlaybook } from '../../src/store/playbooks.ts';
import { agentSpec, newId, putAgents, startTask, stopAgent } from '../store/ledger.ts';
import { makeCliRig } from './rig.ts';

it('what a playbook makes wait is let go by one word, and is no risk for anybody to accept', async () => {
  const rig = await makeCliRig();
  const bot = agentSpec('waiting-bot');
  await putAgents(rig.ledger, [bot]);
  const { taskId } = await startTask(rig.ledger, bot);
  const { stopId } = await stopAgent(rig.ledger, bot);
  const playbook = { playbookId: 'night', waits: ['purge-queue'], notify: [] };
  expect(await bindPlaybook(rig.ledger.as('estop_revoker'), stopId, playbook)).toBe(true);
  const owe = async (connector: string, needsHuman: string): Promise<string> => {
    const grantId = newId('grant');
    await rig.ledger.sql(
      `INSERT INTO estop.obligations (obligation_id, cause_id, stop_id, cause_epoch, grant_id, agent_id, task_id, connector, target, state, phase, needs_human)
       VALUES ($1 || '/' || $2, $1, $1, 1, $2, 'waiting-bot', $3, $4, 'a target', 'open', 'revoke-credential', $5)`,
      [stopId, grantId, taskId, connector, needsHuman],
    );
    return `${stopId}/${grantId}`;
  };
  const waits = `purge-queue waits for a person (playbook night): estop playbook proceed ${stopId} purge-queue`;
  const waiting = [await owe('queue', waits), await owe('other-queue', waits)];
  const only = await rig.run(['stop', 'show', stopId]);
  expect(only.stdout).toContain(`  estop playbook proceed ${stopId} purge-queue --reason ".."`);
  expect(only.stdout).not.toContain('accept-risk');
  const stuck = await owe('crm', 'our own credential is refused');
  const both = await rig.run(['stop', 'show', stopId]);
  expect(both.stdout).toContain(`  estop accept-risk ${stuck} --reason`);
  for (const one of waiting) expect(both.stdout).not.toContain(`accept-risk ${one}`);
  // Whoever tries what it says has it go on.
  const proceeded = await rig.run(['playbook', 'proceed', stopId, 'purge-queue', '--reason', 'none is needed']);
  expect([proceeded.code, proceeded.stdout]).toEqual([0, expect.stringContaining('it goes on within seconds')]);
});
