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
