// Reads one body as the gateway does, with little memory: see byte-by-byte.test.ts.
import { createServer } from 'node:http';
import { readBody } from '../../../src/gateway/http/read-body.ts';

const server = createServer((request, response) => {
  void readBody(request, () => true).then((body) => response.end(String(body.length)));
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify(server.address())));
