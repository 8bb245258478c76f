import { decodeJwt } from 'jose';
import type { ConfigSource, ServiceSpec } from '../../contract/config.ts';
import type { Identity } from '../../contract/identity.ts';
import { isAhead } from './clock-tolerance.ts';
import type { PublishedKeys } from './published-keys.ts';

interface Options {
  readonly config: ConfigSource;
  readonly keys: PublishedKeys;
}

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/**
 * Services that come with a JWT of their own issuer. Issuer, audience and subject are those of one entry of estop.yaml, exactly; the
 * keys come from where estop.yaml says, never from what the token says.
 */
export function createServiceVerifier({ config, keys }: Options): (jwt: string) => Promise<Identity | undefined> {
  return async (jwt) => {
    const spec = (config.current().signIn?.services ?? []).find((one) => isMeant(jwt, one));
    if (spec === undefined) return undefined;
    const { serviceId, jwksUri, network, issuer, audience, subject, roles, person } = spec;
    const verified = await keys.verify(
      jwt,
      { jwksUri, network, of: `service ${serviceId}` },
      { issuer, audience, subject, algorithms, clockTolerance: 60, requiredClaims: ['exp', 'sub', 'iss', 'aud'] },
    );
    if (verified === 'no' || verified === 'no-keys' || isAhead(verified.payload)) return undefined;
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
