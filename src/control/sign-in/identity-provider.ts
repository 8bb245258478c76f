import * as oidc from 'openid-client';
import type { ConfigSource, OidcSpec, SecretAt } from '../../contract/config.ts';
import type { Log } from '../../contract/identity.ts';
import { EstopError } from '../../core/errors.ts';
import type { GuardedFetch } from '../../runtime/guarded-fetch.ts';
import type { Attempt } from '../../store/sign-ins.ts';
import { isAhead, toleranceSeconds } from './clock-tolerance.ts';
import { logoutTokenTerms, readLogout, type SignedOut } from './logout-token.ts';
import { createPublishedKeys, type PublishedKeys } from './published-keys.ts';
import { verifiedAddress } from './verified-address.ts';

/** Whom the provider has named, by its own signature. */
export interface NamedByProvider {
  readonly issuer: string;
  readonly subject: string;
  /** A verified address, else `sub:` and the subject. */
  readonly name: string;
  readonly groups: readonly string[];
  /** The provider's name of its own session. */
  readonly issuerSid?: string;
}

export interface DeviceRequest {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly everyMs: number;
  readonly lifeMs: number;
}

/** The identity provider of estop.yaml. Everything of it is fetched when it is needed: nothing here hangs on its being up. */
export interface IdentityProvider {
  isConfigured(): boolean;
  /** Asked now, or within the last two seconds. */
  answers(): Promise<boolean>;
  /** Where to send a browser, and what its answer has to carry. */
  begin(redirectUri: string): Promise<{ readonly url: string; readonly state: string } & Omit<Attempt, 'next'>>;
  /** @param answer the address that the browser came back to */
  finish(answer: URL, attempt: Omit<Attempt, 'next'>, state: string): Promise<NamedByProvider>;
  /** Whom the provider says it has signed out; undefined if that is not its word. */
  readLogout(token: string): Promise<SignedOut | undefined>;
  beginDevice(): Promise<DeviceRequest>;
  /** Undefined: the person has not confirmed yet. */
  pollDevice(deviceCode: string): Promise<NamedByProvider | undefined>;
}

interface Options {
  readonly config: ConfigSource;
  readonly readSecret: (reference: SecretAt) => string;
  readonly fetch: GuardedFetch;
  readonly keys?: PublishedKeys;
  /** How long it is waited for; five seconds where nothing is said. */
  readonly patienceSeconds?: () => number;
  readonly log: Log;
}

const metadataMs = 10 * 60_000;
/** So often it is asked at most what it is, whoever comes here: also when it did not answer. */
const betweenMs = 2_000;
/** What a provider says of a terminal that will never be let in; anything else may be otherwise in a moment. */
const refusals: readonly string[] = [
  'access_denied',
  'expired_token',
  'invalid_grant',
  'invalid_client',
  'invalid_request',
  'unauthorized_client',
  'unsupported_grant_type',
];
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

export function createIdentityProvider({
  config,
  readSecret,
  fetch,
  log,
  keys = createPublishedKeys({ fetch, log }),
  patienceSeconds = () => 5,
}: Options): IdentityProvider {
  let known: { readonly issuer: string; readonly at: number; readonly metadata: oidc.ServerMetadata } | undefined;
  let asked:
    | { readonly issuer: string; readonly at: number; readonly answer: Promise<void>; isOver: boolean }
    | undefined;
  const spec = (): OidcSpec => {
    const found = config.current().signIn?.oidc;
    if (found === undefined)
      throw new EstopError('not-found', { detail: 'No identity provider is configured (signIn.oidc of estop.yaml).' });
    return found;
  };
  const fetchFor = ({ network }: OidcSpec): oidc.CustomFetch => {
    return (url, { method, headers, body, signal }) =>
      fetch(url, {
        method: method === 'POST' ? 'POST' : 'GET',
        headers,
        network,
        ...(signal === undefined ? {} : { signal }),
        ...(typeof body === 'string' || body instanceof URLSearchParams ? { body } : {}),
      });
  };
  /** Whoever comes while it is being asked waits for the same answer. */
  const once = (issuer: string, ask: () => Promise<void>): Promise<void> => {
    if (asked?.issuer === issuer && !(asked.isOver && performance.now() - asked.at > betweenMs)) return asked.answer;
    const made = { issuer, at: performance.now(), isOver: false, answer: Promise.resolve() };
    made.answer = ask().finally(() => {
      made.isOver = true;
    });
    asked = made;
    return made.answer;
  };
  /** What it is, by what it publishes: the same for every client. */
  const discover = (held: OidcSpec): Promise<void> =>
    once(held.issuer, async () => {
      const found = await oidc.discovery(new URL(held.issuer), held.clientId, undefined, oidc.None(), {
        [oidc.customFetch]: fetchFor(held),
        execute: held.issuer.startsWith('http://') ? [oidc.allowInsecureRequests] : [],
        timeout: patienceSeconds(),
      });
      known = { issuer: held.issuer, at: performance.now(), metadata: found.serverMetadata() };
    });
  /** Made anew for every sign-in, so that its keys are those which the provider publishes at that moment: they rotate. */
  const connect = async (asDevice: boolean): Promise<oidc.Configuration> => {
    const held = spec();
    const { issuer, clientId, clientSecret, deviceClientId } = held;
    const isInsecure = issuer.startsWith('http://');
    const clientFetch = fetchFor(held);
    const client = asDevice ? deviceClientId : clientId;
    if (client === undefined)
      throw new EstopError('not-found', {
        detail: 'No client for terminals is configured (signIn.oidc.deviceClientId).',
      });
    const secret = asDevice || clientSecret === undefined ? undefined : readSecret(clientSecret);
    const auth = secret === undefined ? oidc.None() : oidc.ClientSecretBasic(secret);
    if (known?.issuer !== issuer || performance.now() - known.at > metadataMs) await discover(held);
    if (known?.issuer !== issuer) throw new EstopError('provider-unavailable');
    const made = new oidc.Configuration(
      { ...known.metadata },
      client,
      { [oidc.clockTolerance]: toleranceSeconds },
      auth,
    );
    made.timeout = patienceSeconds();
    made[oidc.customFetch] = clientFetch;
    if (isInsecure) oidc.allowInsecureRequests(made);
    // Also where TLS has already said who answers: the signature is the provider's word, and its keys can be told apart.
    oidc.enableNonRepudiationChecks(made);
    return made;
  };
  const named = async (
    provider: oidc.Configuration,
    tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers,
  ): Promise<NamedByProvider> => {
    const claims = tokens.claims();
    if (claims === undefined) throw new EstopError('unauthenticated', { detail: 'The provider named nobody.' });
    // One whose clock is ahead is not believed for longer than it says, and its word that somebody signed out would not be taken.
    if (isAhead(claims))
      throw new EstopError('unauthenticated', { detail: 'The clock of the provider is ahead of ours.' });
    const { groupsClaim, issuer } = spec();
    const asks = claims[groupsClaim] === undefined || claims['email'] === undefined;
    const more: Readonly<Record<string, unknown>> =
      asks && provider.serverMetadata().userinfo_endpoint !== undefined
        ? await oidc.fetchUserInfo(provider, tokens.access_token, claims.sub)
        : {};
    const all: Readonly<Record<string, unknown>> = { ...more, ...claims };
    const email = verifiedAddress([claims, more]);
    const { sid } = claims;
    return {
      issuer,
      subject: claims.sub,
      name: email ?? `sub:${claims.sub}`,
      groups: groupsIn(all[groupsClaim]),
      ...(typeof sid === 'string' ? { issuerSid: sid } : {}),
    };
  };
  return {
    answers: () =>
      discover(spec()).then(
        () => true,
        () => false,
      ),
    isConfigured: () => config.current().signIn?.oidc !== undefined,
    begin: (redirectUri) =>
      asProviderError(log, async () => {
        // Asked each time, and not only what is remembered of it: nobody is led to a page that their browser cannot open.
        await discover(spec());
        const provider = await connect(false);
        const [state, nonce, verifier] = [oidc.randomState(), oidc.randomNonce(), oidc.randomPKCECodeVerifier()];
        const url = oidc.buildAuthorizationUrl(provider, {
          redirect_uri: redirectUri,
          scope: [...new Set(['openid', ...spec().scopes])].join(' '),
          code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
          state,
          nonce,
        });
        return { url: url.href, state, nonce, verifier };
      }),
    finish: (answer, { nonce, verifier }, state) =>
      asProviderError(log, async () => {
        const provider = await connect(false);
        const tokens = await oidc.authorizationCodeGrant(provider, answer, {
          expectedNonce: nonce,
          expectedState: state,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        });
        return named(provider, tokens);
      }),
    readLogout: (token) =>
      asProviderError(log, async () => {
        const { issuer, clientId, network } = spec();
        const { jwks_uri: jwksUri } = (await connect(false)).serverMetadata();
        if (jwksUri === undefined) return undefined;
        const source = { jwksUri, network, of: 'identity provider' };
        const verified = await keys.verify(token, source, logoutTokenTerms(issuer, clientId));
        if (verified === 'no-keys') throw new EstopError('provider-unavailable');
        return verified === 'no' ? undefined : readLogout(issuer, verified.payload);
      }),
    beginDevice: () =>
      asProviderError(log, async () => {
        const provider = await connect(true);
        const asked = await oidc.initiateDeviceAuthorization(provider, {
          scope: [...new Set(['openid', ...spec().scopes])].join(' '),
        });
        return {
          deviceCode: asked.device_code,
          userCode: asked.user_code,
          verificationUri: asked.verification_uri_complete ?? asked.verification_uri,
          everyMs: (asked.interval ?? 5) * 1_000,
          lifeMs: asked.expires_in * 1_000,
        };
      }),
    pollDevice: (deviceCode) =>
      asProviderError(log, async () => {
        const provider = await connect(true);
        try {
          return await named(
            provider,
            await oidc.genericGrantRequest(provider, deviceGrant, { device_code: deviceCode }),
          );
        } catch (thrown) {
          const error = typeof thrown === 'object' && thrown !== null && 'error' in thrown ? thrown.error : undefined;
          if (typeof error !== 'string' || refusals.includes(error)) throw thrown;
          return undefined; // not confirmed yet, too often, or not now: it says the rest when it is asked again
        }
      }),
  };
}

function groupsIn(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list
    .filter((one): one is string => typeof one === 'string' && one !== '' && one.length <= 200)
    .slice(0, 1_000);
}

/** Two things matter to whoever waits: it does not answer, or it said no. What it said may hold secrets, and goes to the log by name alone. */
async function asProviderError<Result>(log: Log, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (thrown) {
    // Of this very process, thrown above.
    if (thrown instanceof EstopError && (thrown.code === 'not-found' || thrown.code === 'unauthenticated'))
      throw thrown;
    const chain: unknown[] = [];
    for (let one: unknown = thrown; one instanceof Error && chain.length < 5; one = one.cause) chain.push(one);
    const words = chain.map((one) =>
      one instanceof Error ? `${one.name} ${'code' in one ? String(one.code) : ''}` : '',
    );
    log.warn({ event: 'sign-in.provider', words }, 'a sign-in with the identity provider came to nothing');
    const refused = chain.some((one) => one instanceof Error && 'code' in one && isRefusal(String(one.code)));
    throw new EstopError(refused ? 'unauthenticated' : 'provider-unavailable', { cause: thrown });
  }
}

/** Whatever else the library names is an answer that nobody can read, or none. */
const isRefusal = (code: string): boolean =>
  /^OAUTH_(?:JWT_|KEY_SELECTION|AUTHORIZATION_RESPONSE_ERROR|RESPONSE_BODY_ERROR|JSON_ATTRIBUTE|INVALID_RESPONSE)/.test(
    code,
  );
