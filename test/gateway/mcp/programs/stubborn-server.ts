// A tool server over its standard streams, in plain JSON-RPC of an older revision, that does what no server should.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const log = process.env['LOG_PATH'] ?? '';
const note = (event: object): void => appendFileSync(log, `${JSON.stringify({ pid: process.pid, ...event })}\n`);
const say = (message: object): void => void process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => note({ ignored: signal }));
note({ event: 'started', env: Object.keys(process.env).sort(), uid: process.getuid?.() });

const schema = { type: 'object', properties: {} };
const tools = ['act', 'hang', 'flood', 'shout', 'crash'].map((name) => ({
  name,
  description: name,
  inputSchema: schema,
}));

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line) as {
    readonly id?: unknown;
    readonly method: string;
    readonly params?: { readonly name?: string; readonly protocolVersion?: string };
  };
  if (method === 'initialize')
    return say({
      id,
      result: {
        protocolVersion: params?.protocolVersion ?? '2025-06-18',
        capabilities: { tools: {} },
        serverInfo: { name: 'stubborn', version: '1' },
      },
    });
  if (method === 'tools/list') return say({ id, result: { tools } });
  if (method !== 'tools/call') {
    if (id !== undefined) say({ id, error: { code: -32_601, message: 'no such method' } });
    return;
  }
  note({ event: 'called', tool: params?.name });
  switch (params?.name ?? '') {
    case 'act':
      return say({ id, result: { content: [{ type: 'text', text: 'done' }] } });
    case 'hang': {
      // What it starts belongs to its group, and outlives it unless the group is killed.
      const grandchild = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
      return note({ event: 'grandchild', child: grandchild.pid });
    }
    case 'flood':
      for (let line = 0; line < 20_000; line += 1)
        say({ method: 'notifications/message', params: { level: 'info', data: 'x'.repeat(100) } });
      return say({ id, result: { content: [{ type: 'text', text: 'flooded' }] } });
    case 'shout':
      // One line almost without end, and then an answer that nobody is to hear.
      for (let piece = 0; piece < 200; piece += 1) process.stdout.write('x'.repeat(64 * 1024));
      process.stdout.write('\n');
      return say({ id, result: { content: [{ type: 'text', text: 'shouted' }] } });
    case 'crash':
      return process.kill(process.pid, 'SIGKILL') as never; // it does not come back
  }
});
// The end of its input ends it no more than a signal does.
setInterval(() => {}, 1_000);
