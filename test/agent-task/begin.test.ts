import { afterAll, beforeAll, expect, it } from 'vitest';
import { requires } from '../kit/requires.ts';
import { agentSpec, type Stack, startStack } from './kit.ts';
import { callsOf, scheduledInAllRuns, until } from './watch.ts';

const list = { tool: 'billing__list_invoices', arguments: {} };

requires('temporal')('a task whose ledger does not answer yet', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({
      agents: [agentSpec('billing-bot', { tools: { 'billing/list_invoices': 'allow' } })],
      scripts: { lists: [{ call: [list] }, { say: 'listed' }] },
    });
  });
  afterAll(() => stack.stop());

  it('does nothing but think, also after it has continued as new, and begins once it is answered', async () => {
    await stack.ledger.superuser.query(`
      CREATE FUNCTION estop.refuse_begin() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
      CREATE TRIGGER refuse_begin BEFORE UPDATE ON estop.tasks FOR EACH ROW WHEN (NEW.state = 'running') EXECUTE FUNCTION estop.refuse_begin();
    `);
    const handle = await stack.start('lists', { limits: { continueAfterEvents: 20 } });
    const latest = stack.client.workflow.getHandle(handle.workflowId);
    await until(async () => (await scheduledInAllRuns(stack, handle, 'callModel')) === 1);
    for (let sent = 0; sent < 40; sent += 1) await handle.signal('approve', {}).catch(() => undefined);
    await until(async () => (await latest.describe()).runId !== handle.firstExecutionRunId);
    await until(async () => (await scheduledInAllRuns(stack, handle, 'beginTask')) > 1);
    expect(callsOf(stack, handle)).toEqual([]);
    await stack.ledger.superuser.query('DROP TRIGGER refuse_begin ON estop.tasks');
    expect(await latest.result()).toMatchObject({ outcome: 'done', answer: 'listed' });
    expect(callsOf(stack, handle)).toEqual(['list_invoices']);
  });
});
