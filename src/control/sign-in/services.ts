import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose';
import type { ConfigSource, ServiceSpec } from '../../contract/config.ts';
import type { Identity, Log } from '../../contract/identity.ts';
import type { GuardedFetch } from '../../runtime/guarded-fetch.ts';

interface Options {
  readonly config: ConfigSource;
  readonly fetch: GuardedFetch;
  readonly log: Log;
}

interface HeldKeys {
  readonly find: ReturnType<typeof createLocalJWKSet>;
  readonly at: number;
  triedAt: number;
}

const freshMs = 5 * 60_000;
/** An issuer that is down does not lock its services out for so long. */
const staleMs = 24 * 3_600_000;
/** An unknown key id makes us look again, and not with every request. */
const retryMs = 10_000;
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/**
 * Services that come with a JWT of their own issuer. Issuer, audience and subject are those of one entry of estop.yaml, exactly; the
 * keys come from where estop.yaml says, never from what the token says.
 */
export function createServiceVerifier({ config, fetch, log }: Options): (jwt: string) => Promise<Identity | undefined> {
  const keys = new Map<string, HeldKeys>();
  const load = async (spec: ServiceSpec): Promise<HeldKeys | undefined> => {
    const held = keys.get(spec.jwksUri);
    try {
      const reply = await fetch(spec.jwksUri, {
        method: 'GET',
        headers: { accept: 'application/json' },
        network: spec.network,
      });
      if (!reply.ok) throw new Error(`HTTP ${reply.status}`);
      const set = (await reply.json()) as JSONWebKeySet; // createLocalJWKSet looks at its shape
      const loaded = { find: createLocalJWKSet(set), at: Date.now(), triedAt: Date.now() };
      keys.set(spec.jwksUri, loaded);
      return loaded;
    } catch (thrown) {
      if (held !== undefined) held.triedAt = Date.now();
      log.warn(
        { event: 'sign-in.keys', service: spec.serviceId, cause: String(thrown) },
        'the keys of a service’s issuer cannot be read',
      );
      return held !== undefined && Date.now() - held.at < staleMs ? held : undefined;
    }
  };
  const keysOf = async (spec: ServiceSpec, isUnknown: boolean): Promise<HeldKeys | undefined> => {
    const held = keys.get(spec.jwksUri);
    if (held === undefined) return load(spec);
    const isDue = Date.now() - held.at > freshMs || isUnknown;
    return isDue && Date.now() - held.triedAt > retryMs
      ? load(spec)
      : Date.now() - held.at < staleMs
        ? held
        : undefined;
  };
  const verify = async (jwt: string, spec: ServiceSpec): Promise<boolean> => {
    for (const isSecond of [false, true]) {
      const held = await keysOf(spec, isSecond);
      if (held === undefined) return false;
      try {
        await jwtVerify(jwt, held.find, {
          issuer: spec.issuer,
          audience: spec.audience,
          subject: spec.subject,
          algorithms,
          clockTolerance: 60,
          requiredClaims: ['exp', 'sub', 'iss', 'aud'],
        });
        return true;
      } catch (thrown) {
        const isUnknownKey = thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_JWKS_NO_MATCHING_KEY';
        if (!isUnknownKey) return false;
      }
    }
    return false;
  };
  return async (jwt) => {
    const services = config.current().signIn?.services ?? [];
    const spec = services.find((one) => isMeant(jwt, one));
    if (spec === undefined || !(await verify(jwt, spec))) return undefined;
    const { serviceId, roles, person } = spec;
    return { actor: `service:${serviceId}`, person: person ?? `service:${serviceId}`, roles };
  };
}

/** Only to find the entry; what it says is believed after the signature, and compared again there. */
function isMeant(jwt: string, spec: ServiceSpec): boolean {
  try {
    const { iss, sub } = decodeJwt(jwt);
    return iss === spec.issuer && sub === spec.subject;
  } catch {
    return false;
  }
}
