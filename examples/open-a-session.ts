/** An agent that runs outside: its MCP client opens the session by itself, with the secret that estop.yaml names. */
import { Client, ClientCredentialsProvider, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const { ESTOP_CONTROL_URL: control = '', ESTOP_GATEWAY_URL: gateway, CODER_SECRET: clientSecret = '' } = process.env;
const client = new Client({ name: 'coder', version: '1' });

const authProvider = new ClientCredentialsProvider({ clientId: 'coder.laptop', clientSecret, expectedIssuer: control });
await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway}/mcp`), { authProvider }));
for (const { name } of (await client.listTools()).tools) console.log(name);
await client.close();
