import { z } from 'zod';
import type { ConfigSource, SignInSpec } from '../../contract/config.ts';
import type { Log } from '../../contract/identity.ts';
import type { GuardedFetch } from '../../runtime/guarded-fetch.ts';
import type { Size } from '../sign-in/bucket.ts';
import { createDoor } from '../sign-in/door.ts';
import { type NamedClient, shownName } from './client-name.ts';
import { isHere, isUsableRedirect } from './redirects.ts';

type Reach = NonNullable<SignInSpec['clientDocuments']>;

export interface ClientDocuments {
  isServed(): boolean;
  /**
   * Undefined: there is nothing that can be taken. `proves-itself`: it is a client that proves itself, with a key or a secret, and none of
   * those is taken. `later`: too much is looked up already. To be asked for somebody who is signed in alone,
   * who is named: a stranger makes nobody fetch.
   */
  read(clientId: string, person: string): Promise<Read | 'later'>;
}

interface Options {
  readonly config: ConfigSource;
  readonly fetch: GuardedFetch;
  readonly log: Log;
  /** Milliseconds that only grow. */
  readonly now?: () => number;
}

type Read = NamedClient | 'proves-itself' | undefined;

interface Held {
  readonly found: Promise<Read>;
  freshUntil: number;
}

/** The draft has clients keep it under 5 KB. */
const largestDocument = 8_192;
const longestId = 300;
const freshMs = 60_000;
/** Also of an address that gives nothing it is not asked again at once. */
const betweenMs = 5_000;
const mostHeld = 100;
/** Sixty within any minute, whoever asks. One person has so few of them that others get in beside, and a reserve is for who asks for little. */
const perMinute = (many: number): Size => ({ atOnce: many, perSecond: many / 60 });
const fetches = { each: perMinute(10), together: perMinute(20), reserve: perMinute(10) };
const mostRedirects = 20;

/** What it says beside this is not looked at. */
const Document = z.looseObject({
  client_id: z.string(),
  client_name: z.string().max(1_000).default(''),
  redirect_uris: z.array(z.string().max(2_000)).min(1).max(100),
  token_endpoint_auth_method: z.string().default('none'),
  grant_types: z
    .array(z.string())
    .refine((types) => types.includes('authorization_code'))
    .optional(),
  response_types: z
    .array(z.string())
    .refine((types) => types.includes('code'))
    .optional(),
  // What everybody can read is no secret, and whoever publishes one has misunderstood.
  client_secret: z.undefined().optional(),
  client_secret_expires_at: z.undefined().optional(),
});

/**
 * Client ID Metadata Documents (draft-ietf-oauth-client-id-metadata-document): the id of a client is the address of a document that says
 * what the client is. A stranger chose the address: it is resolved once, checked and connected to, nothing that it redirects to is
 * followed, and little is read. What is found is held for a minute.
 */
export function createClientDocuments({ config, fetch, log, now = () => performance.now() }: Options): ClientDocuments {
  const held = new Map<string, Held>();
  const door = createDoor(fetches, now);
  const reach = (): Reach => config.current().signIn?.clientDocuments ?? 'public';

  const load = async (clientId: string, network: Exclude<Reach, 'none'>): Promise<Read> => {
    try {
      const headers = { accept: 'application/json' };
      const reply = await fetch(clientId, { method: 'GET', headers, network, maxBytes: largestDocument });
      if (reply.status !== 200) throw new Error(`HTTP ${reply.status}`);
      if (!/^application\/(?:[a-z0-9.+-]+\+)?json\s*(?:;|$)/i.test(reply.headers.get('content-type') ?? ''))
        throw new Error('it is not JSON');
      return clientIn(clientId, await reply.json());
    } catch (thrown) {
      // Not for the page: how an address fails says what stands there.
      log.warn(
        { event: 'client.document', client: clientId, cause: String(thrown) },
        'the document of a client could not be taken',
      );
      return undefined;
    }
  };

  return {
    isServed: () => reach() !== 'none',
    read: async (clientId, person) => {
      const network = reach();
      if (network === 'none' || !isDocumentId(clientId, network)) return undefined;
      const key = `${network} ${clientId}`;
      const known = held.get(key);
      if (known !== undefined && now() < known.freshUntil) return known.found;
      if (!door.pass(person)) return 'later';
      const found = load(clientId, network);
      // Whoever comes while it is being fetched waits for the same answer.
      const entry: Held = { found, freshUntil: Number.POSITIVE_INFINITY };
      held.delete(key);
      held.set(key, entry);
      const oldest = held.size > mostHeld ? held.keys().next().value : undefined;
      if (oldest !== undefined) held.delete(oldest);
      const client = await found;
      entry.freshUntil = now() + (client === undefined ? betweenMs : freshMs);
      return client;
    },
  };
}

/** It may be one: whether there is a document is another thing. */
export const isAddress = (clientId: string | undefined): clientId is string => /^https?:\/\//i.test(clientId ?? '');

/** In one spelling alone, so that it is what the document says, what is shown and what is compared, letter for letter. */
function isDocumentId(clientId: string, network: Reach): boolean {
  const url = URL.parse(clientId);
  if (url === null || clientId.length > longestId || url.href !== clientId) return false;
  if (url.username !== '' || url.password !== '' || /[?#]/.test(clientId) || url.pathname === '/') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && network === 'loopback' && isHere(url.hostname));
}

function clientIn(clientId: string, said: unknown): Read {
  const read = Document.safeParse(said);
  if (!read.success) throw new Error(`it says ${read.error.issues[0]?.path.join('.') ?? 'something'} as nobody may`);
  const { client_id: own, client_name: name, redirect_uris: all, token_endpoint_auth_method: proof } = read.data;
  // Else one address could speak for another.
  if (own !== clientId) throw new Error('it is of another client');
  // It must not come through a door at which nobody has to: whoever had its id would be that client.
  if (proof !== 'none') return 'proves-itself';
  const redirects = all.filter(isUsableRedirect).slice(0, mostRedirects);
  if (redirects.length === 0) throw new Error('it has no redirect to the machine of a browser');
  return { clientId, name: shownName(name), redirects, publishedBy: new URL(clientId).host };
}
