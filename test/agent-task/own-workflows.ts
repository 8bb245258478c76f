import type { AgentTaskInput, AgentTaskResult } from '../../src/contract/agent-task.ts';
import { governed } from '../../src/workflows/index.ts';

export { agentTask } from '../../src/workflows/agents.ts';

/** Workflow code of somebody else: no model, three calls side by side, one of them to be approved, and a child. */
export async function audit(input: AgentTaskInput): Promise<AgentTaskResult> {
  return governed(input, async (task) => {
    const [invoices, refund, nothing] = await Promise.all([
      task.callTool({ tool: 'billing__list_invoices', arguments: {} }),
      task.callTool({ tool: 'billing__refund_payment', arguments: { invoice_id: 'INV-1', cents: 1 } }),
      task.callTool({ tool: 'billing__drop_all', arguments: {} }),
    ]);
    const child = await task.runTask({ agentId: 'sub-bot', prompt: 'Check it.' });
    return { outcome: 'done', answer: [invoices, refund, nothing, child].map(({ kind }) => kind).join(' ') };
  });
}

/** Catches everything and goes on, as code may that was not written with stops in mind. */
export async function stubborn(input: AgentTaskInput): Promise<AgentTaskResult> {
  return governed(input, async (task) => {
    for (;;) {
      try {
        await task.callTool({ tool: 'billing__list_invoices', arguments: {} });
      } catch {
        // Whatever it was.
      }
    }
  });
}
