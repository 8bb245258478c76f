// Starts tool servers as a gateway does, and then does nothing, so that it can be killed.
import { Child } from '../../../../src/gateway/upstream/child.ts';

const [program = '', logPath = ''] = process.argv.slice(2);
const spec = { command: process.execPath, args: [program], env: { LOG_PATH: logPath } };
const environment = { values: { LOG_PATH: logPath }, secrets: [] };
const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'hang' } };
for (let count = 0; count < 2; count += 1) new Child(spec, environment, () => undefined).say(JSON.stringify(call));
// One that ended long ago is not to be taken for another that has its number by now.
const gone = new Child(spec, environment, () => undefined);
gone.kill();
await gone.ended;
process.stdout.write('{"started":true}\n');
setInterval(() => undefined, 1_000);
