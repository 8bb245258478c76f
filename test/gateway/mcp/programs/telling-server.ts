// An MCP server as a process that says what is in its environment, wherever it is asked to.
import { createInterface } from 'node:readline';

const { TOKEN = '', PLAIN = '' } = process.env;
const say = (message: object): void => void process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line) as {
    readonly id?: unknown;
    readonly method?: string;
    readonly params?: { readonly arguments?: { readonly how?: string } };
  }; // what a gateway writes
  if (id === undefined) return;
  if (method === 'initialize')
    return say({
      id,
      result: {
        protocolVersion: '2025-06-18',
        capabilities: { tools: {} },
        serverInfo: { name: 'telling', version: '1' },
      },
    });
  if (method === 'tools/list')
    return say({
      id,
      result: { tools: [{ name: 'tell', description: 'Tells.', inputSchema: { type: 'object' } }] },
    });
  if (method !== 'tools/call') return say({ id, error: { code: -32_601, message: 'unknown' } });
  const how = params?.arguments?.how;
  if (how === 'never') return;
  const text = how === 'token' ? TOKEN : how === 'length' ? `${PLAIN} ${TOKEN.length}` : PLAIN;
  say({ id, result: { content: [{ type: 'text', text }] } });
});
