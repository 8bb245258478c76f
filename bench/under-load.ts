import type { Bed } from './bed.ts';

/** Runs `work` while so many clients call a tool through the gateway as fast as it answers; they stop when it is done. */
export async function underLoad(bed: Bed, clients: number, work: () => Promise<void>): Promise<void> {
  const task = await bed.service.tasks.start({ agentId: 'bench-bot', prompt: 'bench' });
  const { token } = await bed.operator.tasks.token(task.taskId);
  let done = false;
  const hammer = async (): Promise<void> => {
    while (!done) await callTool(bed.installation.profile.gatewayUrl, token, 'list_invoices', {});
  };
  const hammering = Promise.all(Array.from({ length: clients }, hammer));
  try {
    await work();
  } finally {
    done = true;
    await hammering;
  }
}

/** True if the tool answered; false if the gateway refused or cut the call. */
export async function callTool(gatewayUrl: string, token: string, tool: string, input: object): Promise<boolean> {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: `billing__${tool}`, arguments: input },
  });
  try {
    const response = await fetch(`${gatewayUrl}/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body,
      signal: AbortSignal.timeout(30_000),
    });
    return response.ok && !(await response.text()).includes('"isError":true');
  } catch {
    return false;
  }
}
