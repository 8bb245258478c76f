import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { exchange } from '../http/exchange.ts';
import { readBody } from '../http/read-body.ts';
import { sendJson } from '../http/reply.ts';
import { parseStrict } from '../json/parse-strict.ts';
import { type Answer, denied, type GateHost } from '../passage.ts';
import { isObject } from './content.ts';
import type { Dialect } from './dialect.ts';
import { clientStream } from './model-client.ts';
import { type ModelRefusal, refusalOf, refusedAs, sendRefusal } from './refusal.ts';

/** The bytes, their text, and the text that is sent. */
const bytesOfOne = 3;
const chosenByClient = ['anthropic-version', 'anthropic-beta'] as const;

/** POST of a model call: one request in the client's dialect, one answer or one stream in the same. */
export async function serveModel(
  host: GateHost,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  dialect: Dialect,
): Promise<void> {
  const refuse = (refusal: ModelRefusal): void => sendRefusal(response, dialect.name, requestId, refusal);
  const authorization = keyOf(request);
  // Before the body: a stranger's megabytes are not read. The gate asks for the token again, as the first of its steps.
  const token = await host.tokens.read(authorization);
  if (!token.ok) return refuse(refusedAs(token.code));
  const { claims } = token;
  const unread = (refusal: ModelRefusal): void => {
    // It never reaches the gate, and says something of its agent all the same.
    host.conduct.note({ asked: { kind: 'model' }, facts: { claims } }, denied('invalid-arguments'));
    refuse(refusal);
  };
  const body = await readBody(request, host.inHand.hold(claims.agentId, response, bytesOfOne), host.largestPrompt);
  if (body === 'busy') return refuse(refusedAs(body));
  if (body === 'body-too-large') return unread(refusedAs(body));
  const parsed = parseStrict(body);
  if (!parsed.ok) return unread(refusedAs('invalid-json', parsed.problem));
  // What was waiting meanwhile, a stop before all, comes before what is next: to write it anew.
  await setImmediate();
  if (!isObject(parsed.value)) return unread(refusedAs('invalid-json', 'the body is not an object'));
  return exchange({
    host,
    request,
    response,
    authorization,
    asked: {
      kind: 'model',
      dialect,
      body: parsed.value,
      headers: Object.fromEntries(
        chosenByClient.flatMap((name) => {
          const value = request.headers[name];
          return typeof value === 'string' ? [[name, value]] : [];
        }),
      ),
      client: clientStream(response),
    },
    answer: (answer) => writeAnswer(response, answer),
    deny: (denial) => refuse(refusalOf(denial)),
  });
}

/** GET /v1/models. */
export function serveModelList(
  host: GateHost,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): Promise<void> {
  const dialect = request.headers['anthropic-version'] === undefined ? 'chat' : 'messages';
  return exchange({
    host,
    request,
    response,
    authorization: keyOf(request),
    asked: { kind: 'model-list' },
    answer: (list) => sendJson(response, 200, list, { 'cache-control': 'no-store' }),
    deny: (denial) => sendRefusal(response, dialect, requestId, refusalOf(denial)),
  });
}

/** The task token is the API key, wherever a client puts its key. */
function keyOf({ headers }: IncomingMessage): string | undefined {
  const key = headers['x-api-key'];
  return headers.authorization ?? (typeof key === 'string' ? `Bearer ${key}` : undefined);
}

/** A whole answer with its body, or the head of a stream, which must not wait for the first event. */
function writeAnswer(response: ServerResponse, { status, type, body, headers }: Answer): void {
  const bytes = Buffer.isBuffer(body) ? body : undefined;
  response.writeHead(Number(status), {
    ...(headers as Readonly<Record<string, string>>), // made by the step that answers
    'content-type': String(type),
    'cache-control': 'no-store',
    ...(bytes === undefined ? {} : { 'content-length': bytes.length }),
  });
  if (bytes === undefined) response.flushHeaders();
  else response.end(bytes);
}
