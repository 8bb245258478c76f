import { z } from 'zod';
import { EstopError } from '../../core/errors.ts';
import type { CallContext } from '../kit/contract.ts';
import { guardedHttp, type HttpReply, jsonOf } from '../kit/guarded-http.ts';
import type { OauthOptions } from './options.ts';

const metadata = z.object({
  issuer: z.string(),
  token_endpoint: z.url(),
  revocation_endpoint: z.url(),
  introspection_endpoint: z.url(),
  registration_endpoint: z.url(),
});
type Metadata = z.output<typeof metadata>;

const registration = z.object({
  client_id: z.string().min(1),
  client_secret: z.string().min(1),
  registration_client_uri: z.url(),
  registration_access_token: z.string().min(1),
});
const tokenReply = z.object({ access_token: z.string().min(1), expires_in: z.number().positive(), token_type: z.string() });
const introspection = z.object({ active: z.boolean() });

export interface ClientIdentity {
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface RegisteredClient extends ClientIdentity {
  readonly registrationUri: string;
  readonly registrationToken: string;
}

/** The OAuth server as this connector speaks to it: raw replies for what is judged, parsed values for what must succeed. */
export interface Issuer {
  register(name: string, scope: string | undefined, context: CallContext): Promise<RegisteredClient>;
  /** Takes every grant type from the client (RFC 7592 update): it can mint nothing, but what it holds can still be revoked. */
  strip(client: RegisteredClient, name: string, context: CallContext): Promise<HttpReply>;
  remove(client: RegisteredClient, context: CallContext): Promise<HttpReply>;
  mint(client: ClientIdentity, scope: string | undefined, context: CallContext): Promise<HttpReply>;
  revoke(client: ClientIdentity, token: string, context: CallContext): Promise<HttpReply>;
  introspect(client: ClientIdentity, token: string, context: CallContext): Promise<boolean>;
}

export function createIssuer(options: OauthOptions, readInitialToken: () => string): Issuer {
  let known: Promise<Metadata> | undefined;
  const endpoints = async (context: CallContext): Promise<Metadata> => {
    known ??= discover(options, context);
    try {
      return await known;
    } catch (thrown) {
      known = undefined; // an outage at first use must not be remembered
      throw thrown;
    }
  };
  const call = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, headers: Record<string, string>, body: string | URLSearchParams | undefined, { signal }: CallContext) =>
    guardedHttp({ method, url, headers, network: options.network, signal, ...(body === undefined ? {} : { body }) });
  const form = async (endpoint: keyof Metadata, client: ClientIdentity, fields: Record<string, string>, context: CallContext) =>
    call('POST', (await endpoints(context))[endpoint], { authorization: basic(client) }, new URLSearchParams(fields), context);
  const json = { 'content-type': 'application/json' };
  return {
    register: async (name, scope, context) => {
      const { registration_endpoint: url } = await endpoints(context);
      const body = { ...clientMetadata(name, ['client_credentials']), ...(scope === undefined ? {} : { scope }) };
      const reply = await call('POST', url, { ...json, authorization: `Bearer ${readInitialToken()}` }, JSON.stringify(body), context);
      if (reply.status === 401 || reply.status === 403) throw new EstopError('connector-refused', { detail: `Registering a client: our initial access token is refused (${reply.status}).` });
      const made = parse(registration, mustBe(reply, 201, 'Registering a client'));
      if (new URL(made.registration_client_uri).origin !== new URL(url).origin) throw new EstopError('connector-garbage', { detail: 'The registration points to another origin.' });
      return { clientId: made.client_id, clientSecret: made.client_secret, registrationUri: made.registration_client_uri, registrationToken: made.registration_access_token };
    },
    strip: (client, name, context) => {
      const body = { ...clientMetadata(name, []), client_id: client.clientId, client_secret: client.clientSecret };
      return call('PUT', client.registrationUri, { ...json, authorization: `Bearer ${client.registrationToken}` }, JSON.stringify(body), context);
    },
    remove: (client, context) => call('DELETE', client.registrationUri, { authorization: `Bearer ${client.registrationToken}` }, undefined, context),
    mint: (client, scope, context) => form('token_endpoint', client, { grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) }, context),
    revoke: (client, token, context) => form('revocation_endpoint', client, { token, token_type_hint: 'access_token' }, context),
    introspect: async (client, token, context) => {
      const reply = await form('introspection_endpoint', client, { token }, context);
      return parse(introspection, mustBe(reply, 200, 'Introspection')).active;
    },
  };
}

export function parseToken(reply: HttpReply): { readonly accessToken: string; readonly expiresInMs: number } {
  const made = parse(tokenReply, mustBe(reply, 200, 'Minting a token'));
  if (made.token_type.toLowerCase() !== 'bearer') throw new EstopError('connector-garbage', { detail: 'The token is not a bearer token.' });
  return { accessToken: made.access_token, expiresInMs: made.expires_in * 1_000 };
}

/** RFC 6749 section 5.2. Undefined where the body is no OAuth error: then nothing may be concluded from the status. */
export function oauthErrorOf(reply: HttpReply): string | undefined {
  try {
    const body = jsonOf(reply);
    return typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string' ? body.error : undefined;
  } catch {
    return undefined;
  }
}

async function discover({ issuer, network }: OauthOptions, { signal }: CallContext): Promise<Metadata> {
  const base = issuer.replace(/\/$/, '');
  for (const document of ['oauth-authorization-server', 'openid-configuration']) {
    const reply = await guardedHttp({ method: 'GET', url: `${base}/.well-known/${document}`, network, signal });
    if (reply.status === 404) continue;
    const found = parse(metadata, mustBe(reply, 200, 'Reading the metadata'));
    if (found.issuer.replace(/\/$/, '') !== base) throw new EstopError('connector-garbage', { detail: 'The metadata names another issuer.' });
    return found;
  }
  throw new EstopError('connector-garbage', { detail: 'The server publishes no metadata.' });
}

function clientMetadata(name: string, grantTypes: readonly string[]) {
  return { client_name: name, grant_types: grantTypes, response_types: [], redirect_uris: [], token_endpoint_auth_method: 'client_secret_basic' };
}

/** RFC 6749 section 2.3.1: form-encoded before they are joined. */
function basic({ clientId, clientSecret }: ClientIdentity): string {
  return `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64')}`;
}

function mustBe(reply: HttpReply, status: number, what: string): unknown {
  if (reply.status === status) return jsonOf(reply);
  const code = reply.status === 429 || reply.status >= 500 ? 'connector-unavailable' : 'connector-garbage';
  throw new EstopError(code, { detail: `${what}: answered ${reply.status}.`, ...(reply.retryAfterMs === undefined ? {} : { retryAfterMs: reply.retryAfterMs }) });
}

function parse<Value>(schema: z.ZodType<Value>, value: unknown): Value {
  const result = schema.safeParse(value);
  // The issues are left out: they may quote a token.
  if (!result.success) throw new EstopError('connector-garbage', { detail: 'An answer lacks what the standard requires.' });
  return result.data;
}
