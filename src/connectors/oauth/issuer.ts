import { z } from 'zod';
import { EstopError } from '../../core/errors.ts';
import type { CallContext } from '../kit/contract.ts';
import { guardedHttp, type HttpReply } from '../kit/guarded-http.ts';
import { type Metadata, metadataOf } from './metadata.ts';
import type { OauthOptions } from './options.ts';
import { mustBe, oauthErrorOf, parse, tokenIn } from './replies.ts';

const registration = z.object({
  client_id: z.string().min(1),
  client_secret: z.string().min(1),
  registration_client_uri: z.url(),
  registration_access_token: z.string().min(1),
});
const introspection = z.object({ active: z.boolean() });

export interface ClientIdentity {
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface RegisteredClient extends ClientIdentity {
  readonly registrationUri: string;
  readonly registrationToken: string;
}

/** May a client mint tokens? `no-client`: the issuer knows no such client and secret. `not-allowed`: it does, and it may not. */
export type MintRight = 'yes' | 'no-client' | 'not-allowed' | 'unclear';

/** The OAuth server as this connector speaks to it: raw replies for what is judged, parsed values for what must succeed. */
export interface Issuer {
  register(name: string, scope: string | undefined, context: CallContext): Promise<RegisteredClient>;
  /** Takes every grant type from the client (RFC 7592 update): it can mint nothing, but what it holds can still be revoked. */
  strip(client: RegisteredClient, name: string, context: CallContext): Promise<HttpReply>;
  read(client: RegisteredClient, context: CallContext): Promise<HttpReply>;
  remove(client: RegisteredClient, context: CallContext): Promise<HttpReply>;
  mint(client: ClientIdentity, scope: string | undefined, context: CallContext): Promise<HttpReply>;
  /** Tries it. A token that comes of it is revoked again. */
  mintRight(client: ClientIdentity, scope: string | undefined, context: CallContext): Promise<MintRight>;
  revoke(client: ClientIdentity, token: string, context: CallContext): Promise<HttpReply>;
  /** `unsupported`: the issuer keeps no account of this token (a JWT). */
  introspect(
    client: ClientIdentity,
    token: string,
    context: CallContext,
  ): Promise<'active' | 'inactive' | 'unsupported'>;
}

export function createIssuer(options: OauthOptions, readInitialToken: () => string): Issuer {
  const endpoints = metadataOf(options);
  const send = sender(options);
  const form = async (
    endpoint: keyof Metadata,
    client: ClientIdentity,
    fields: Record<string, string>,
    context: CallContext,
  ) =>
    send(
      'POST',
      (await endpoints(context))[endpoint],
      { authorization: basic(client) },
      new URLSearchParams(fields),
      context,
    );
  const mint: Issuer['mint'] = (client, scope, context) =>
    form(
      'token_endpoint',
      client,
      { grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) },
      context,
    );
  const revoke: Issuer['revoke'] = (client, token, context) =>
    form('revocation_endpoint', client, { token, token_type_hint: 'access_token' }, context);
  return {
    register: async (name, scope, context) => {
      const { registration_endpoint: url } = await endpoints(context);
      const body = { ...clientMetadata(name, ['client_credentials']), ...(scope === undefined ? {} : { scope }) };
      const reply = await send('POST', url, jsonBy(readInitialToken()), JSON.stringify(body), context);
      return registeredIn(mustBe(reply, 201, 'Registering a client'), url);
    },
    strip: (client, name, context) => {
      const body = { ...clientMetadata(name, []), client_id: client.clientId, client_secret: client.clientSecret };
      return send('PUT', client.registrationUri, jsonBy(client.registrationToken), JSON.stringify(body), context);
    },
    read: (client, context) =>
      send('GET', client.registrationUri, bearer(client.registrationToken), undefined, context),
    remove: (client, context) =>
      send('DELETE', client.registrationUri, bearer(client.registrationToken), undefined, context),
    mint,
    revoke,
    mintRight: async (client, scope, context) => {
      const reply = await mint(client, scope, context);
      if (reply.status === 200) {
        await revoke(client, tokenIn(reply).accessToken, context).catch(() => undefined); // it lives its short life if it must
        return 'yes';
      }
      return (
        (reply.status === 400 || reply.status === 401 ? mintErrors.get(oauthErrorOf(reply) ?? '') : undefined) ??
        'unclear'
      );
    },
    introspect: async (client, token, context) => {
      const reply = await form('introspection_endpoint', client, { token }, context);
      if (reply.status === 400 && oauthErrorOf(reply) === 'unsupported_token_type') return 'unsupported';
      return parse(introspection, mustBe(reply, 200, 'Introspection')).active ? 'active' : 'inactive';
    },
  };
}

/** `invalid_request` is how some issuers (oidc-provider) say that a client may not use a grant type. */
const mintErrors: ReadonlyMap<string, MintRight> = new Map([
  ['invalid_client', 'no-client'],
  ['unauthorized_client', 'not-allowed'],
  ['invalid_request', 'not-allowed'],
]);

type Send = (
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string | URLSearchParams | undefined,
  context: CallContext,
) => Promise<HttpReply>;

/** The trust in a private address was given to the issuer's origin alone: metadata must not widen it. */
function sender(options: OauthOptions): Send {
  const home = new URL(options.issuer).origin;
  return (method, url, headers, body, { signal }) => {
    const network = URL.parse(url)?.origin === home ? options.network : 'public';
    return guardedHttp({ method, url, headers, network, signal, ...(body === undefined ? {} : { body }) });
  };
}

function registeredIn(value: unknown, endpoint: string): RegisteredClient {
  const made = parse(registration, value);
  if (new URL(made.registration_client_uri).origin !== new URL(endpoint).origin) {
    throw new EstopError('connector-garbage', { detail: 'The registration points to another origin.' });
  }
  return {
    clientId: made.client_id,
    clientSecret: made.client_secret,
    registrationUri: made.registration_client_uri,
    registrationToken: made.registration_access_token,
  };
}

function clientMetadata(name: string, grantTypes: readonly string[]) {
  return {
    client_name: name,
    grant_types: grantTypes,
    response_types: [],
    redirect_uris: [],
    token_endpoint_auth_method: 'client_secret_basic',
  };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const jsonBy = (token: string) => ({ 'content-type': 'application/json', ...bearer(token) });

/** RFC 6749 section 2.3.1: form-encoded before they are joined. */
function basic({ clientId, clientSecret }: ClientIdentity): string {
  const joined = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
  return `Basic ${Buffer.from(joined).toString('base64')}`;
}
