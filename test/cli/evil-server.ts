import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

type Schema = Readonly<Record<string, unknown>>;
interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Schema>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const described = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')) as Described; // our own file, kept current by a test

/** Titles a window, deletes what stands above, begins a line of its own, colours it by a C1 code, turns the direction, hides. */
export const hostile = 'x\u001b]0;owned\u0007\u001b[1A\u001b[2K\n\u001b[32mforged\u009b31m\u202e\u200b$(touch owned);';

/** Control as somebody has it who took it over: every answer has the shape that is promised, and every free text in it is hostile. */
export async function startEvilServer(): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const answer = answerTo(request, body);
      response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer ?? { code: 'not-found', detail: hostile }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>); // of our own command line
}

function answerTo({ method, url }: IncomingMessage, body: Readonly<Record<string, unknown>>): unknown {
  const { pathname, searchParams } = new URL(url ?? '/', 'http://localhost');
  // A receipt for another stop is none: that is looked at elsewhere.
  if (method === 'POST' && pathname === '/v1/stops')
    return { stopId: body['stopId'], state: 'latched', epoch: 1, latchedAt: new Date().toISOString(), fresh: true };
  if (method === 'POST' && pathname === '/sign-in/terminal')
    return { verificationUri: hostile, userCode: hostile, expiresAt: hostile, everyMs: 250, handle: hostile };
  if (method === 'POST' && pathname === '/sign-in/terminal/poll')
    return { state: 'signed-in', name: hostile, expiresAt: hostile, token: hostile };
  const found = Object.entries(described.paths).find(([path]) => matches(path, pathname));
  const responses = found?.[1][(method ?? '').toLowerCase()]?.['responses'] as Record<string, Schema> | undefined; // as OpenAPI has it
  const schema = schemaOf(responses?.['200'] ?? responses?.['201'] ?? responses?.['202']);
  return schema === undefined ? undefined : sample(schema, '', searchParams.has('cursor'));
}

const matches = (path: string, pathname: string): boolean =>
  new RegExp(`^${path.replaceAll(/\{[^}]+\}/g, '[^/:]+')}$`).test(pathname);

function schemaOf(response: Schema | undefined): Schema | undefined {
  const content = response?.['content'] as Record<string, { readonly schema?: Schema }> | undefined; // as OpenAPI has it
  return content?.['application/json']?.schema;
}

/** Whatever the schema leaves free is hostile. A list goes on once, so that whoever reads to its end gets there. */
function sample(schema: Schema, name: string, isLast: boolean): unknown {
  const { $ref, anyOf, oneOf, allOf, type, properties, items, additionalProperties } = schema as {
    readonly [key: string]: unknown;
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly items?: Schema;
  }; // as OpenAPI has it
  if (typeof $ref === 'string')
    return sample(described.components.schemas[$ref.split('/').at(-1) ?? ''] ?? {}, name, isLast);
  if (name === 'next' && isLast) return null;
  // What was asked for is found.
  if (name === 'connectorId') return 'crm';
  if (name === 'definition') return JSON.stringify({ description: hostile });
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return schema['enum'].at(-1);
  if (Array.isArray(allOf)) return Object.assign({}, ...allOf.map((one: Schema) => sample(one, name, isLast)));
  const choices = (anyOf ?? oneOf) as readonly Schema[] | undefined; // as OpenAPI has it
  if (choices !== undefined) return sample(choices.find((one) => one['type'] !== 'null') ?? {}, name, isLast);
  const kind = Array.isArray(type) ? type.find((one) => one !== 'null') : type;
  switch (kind) {
    case 'array':
      return [sample(items ?? {}, '', isLast)];
    case 'boolean':
      return true;
    case 'integer':
    case 'number':
      return 1;
    case 'object':
      return {
        ...Object.fromEntries(Object.entries(properties ?? {}).map(([key, one]) => [key, sample(one, key, isLast)])),
        ...(typeof additionalProperties === 'object' && additionalProperties !== null
          ? { [hostile]: sample(additionalProperties as Schema, '', isLast) } // as OpenAPI has it
          : {}),
      };
    default:
      return hostile;
  }
}
