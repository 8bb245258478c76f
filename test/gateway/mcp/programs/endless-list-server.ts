// An MCP server as a process whose list of tools has no end: page after page, each as large as one message may be.
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const { PAGES_PATH = '' } = process.env;
const say = (message: object): void => void process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
let pages = 0;
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line) as { readonly id?: unknown; readonly method?: string }; // what a gateway writes
  if (id === undefined) return;
  const serverInfo = { name: 'endless', version: '1' };
  if (method === 'initialize')
    return say({ id, result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo } });
  if (method !== 'tools/list') return say({ id, error: { code: -32_601, message: 'unknown' } });
  pages += 1;
  writeFileSync(PAGES_PATH, String(pages));
  const tool = { name: `act_${pages}`, description: 'x'.repeat(3 * 1024 * 1024), inputSchema: { type: 'object' } };
  say({ id, result: { tools: [tool], nextCursor: String(pages) } });
});
