import type { ControlDeps } from '../deps.ts';
import { oneOf } from './check-client.ts';
import { isAddress } from './client-documents.ts';
import { type NamedClient, readClientId } from './client-name.ts';
import { isHere, isRegistered } from './redirects.ts';

/** What a client asks a person for, with everything that its code will be bound to. */
export interface Wish {
  readonly client: NamedClient;
  readonly redirect: string;
  readonly state: string | undefined;
  readonly challenge: string;
  readonly resource: string;
}

export type ReadWish =
  | { readonly kind: 'wish'; readonly wish: Wish }
  /** The client is told. */
  | {
      readonly kind: 'refused';
      readonly redirect: string;
      readonly state: string | undefined;
      readonly error: 'invalid_request' | 'unsupported_response_type' | 'invalid_target';
      readonly why: string;
    }
  /** Nobody is sent anywhere: who asks is not known, or not where the answer would go. */
  | { readonly kind: 'nobody'; readonly why: string }
  /** Who asks would have to be looked up at an address of its own choice: not for somebody whom nobody knows. */
  | { readonly kind: 'sign-in-first' };

type Needs = Pick<ControlDeps, 'clientKeys' | 'clientDocuments' | 'config' | 'gatewayUrl'>;
const longestState = 500;

/** @param person who is signed in, if anybody is */
export async function readWish(deps: Needs, query: URLSearchParams, person: string | undefined): Promise<ReadWish> {
  const clientId = oneOf(query, 'client_id');
  if (isAddress(clientId) && person === undefined) return { kind: 'sign-in-first' };
  const client = isAddress(clientId)
    ? await deps.clientDocuments?.read(clientId, person ?? '')
    : readClientId(deps.clientKeys?.() ?? [], clientId);
  if (client === 'later')
    return { kind: 'nobody', why: 'Too many clients are looked up just now, by you or by all. Try again in a minute.' };
  if (client === 'proves-itself')
    return {
      kind: 'nobody',
      why: 'This client proves itself with a key or a secret, which is not served here: its document has to say token_endpoint_auth_method none.',
    };
  if (client === undefined)
    return {
      kind: 'nobody',
      why: isAddress(clientId)
        ? 'What this client is could not be read at its address, or is not taken here.'
        : 'This client is not registered here.',
    };
  const redirect = oneOf(query, 'redirect_uri');
  if (redirect === undefined || !isRegistered(client, redirect))
    return { kind: 'nobody', why: 'The answer would go to an address that this client did not register.' };
  const state = oneOf(query, 'state');
  const refused = (
    error: 'invalid_request' | 'unsupported_response_type' | 'invalid_target',
    why: string,
  ): ReadWish => ({
    kind: 'refused',
    redirect,
    state,
    error,
    why,
  });
  if (query.has('state') && (state === undefined || state.length > longestState))
    return refused('invalid_request', 'state is there twice, or too long.');
  if (oneOf(query, 'response_type') !== 'code') return refused('unsupported_response_type', 'Only code.');
  const challenge = oneOf(query, 'code_challenge');
  if (oneOf(query, 'code_challenge_method') !== 'S256' || !/^[A-Za-z0-9_-]{43}$/.test(challenge ?? ''))
    return refused('invalid_request', 'PKCE with S256 is needed.');
  const resource = oneOf(query, 'resource');
  if (resource === undefined || !isOurs(deps, resource))
    return refused('invalid_target', 'resource has to be an address of MCP at this gateway.');
  return { kind: 'wish', wish: { client, redirect, state, challenge: challenge ?? '', resource } };
}

/** RFC 8707. A gateway may be reached under each name of this machine. */
function isOurs({ gatewayUrl }: Needs, resource: string): boolean {
  const [asked, own] = [URL.parse(resource), URL.parse(gatewayUrl ?? '')];
  if (asked === null || own === null || asked.hash !== '' || asked.search !== '') return false;
  if (!/^\/mcp(?:\/[a-z0-9-]{1,63})?$/.test(asked.pathname)) return false;
  if (asked.protocol !== own.protocol || asked.port !== own.port) return false;
  return asked.hostname === own.hostname || (isHere(asked.hostname) && isHere(own.hostname));
}

/** RFC 9207: the client sees who answers, so that no other issuer's answer is taken for ours. */
export function answerTo(
  { redirect, state }: { readonly redirect: string; readonly state: string | undefined },
  issuer: string,
  answer: Readonly<Record<string, string>>,
): string {
  const url = new URL(redirect);
  for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value);
  if (state !== undefined) url.searchParams.set('state', state);
  url.searchParams.set('iss', issuer);
  return url.href;
}
