import { z } from 'zod';
import { EstopError } from '../../core/errors.ts';
import type { CallContext } from '../kit/contract.ts';
import { guardedHttp } from '../kit/guarded-http.ts';
import type { OauthOptions } from './options.ts';
import { mustBe, parse } from './replies.ts';

const metadata = z.object({
  issuer: z.string(),
  token_endpoint: z.url(),
  revocation_endpoint: z.url(),
  introspection_endpoint: z.url(),
  registration_endpoint: z.url(),
});
export type Metadata = z.output<typeof metadata>;

/** Asked for until it was had once. Each caller asks for itself: nobody waits for another's deadline. */
export function metadataOf(options: OauthOptions): (context: CallContext) => Promise<Metadata> {
  let known: Metadata | undefined;
  return async (context) => {
    known ??= await discover(options, context);
    return known;
  };
}

async function discover({ issuer, network }: OauthOptions, { signal }: CallContext): Promise<Metadata> {
  const base = issuer.replace(/\/$/, '');
  for (const document of ['oauth-authorization-server', 'openid-configuration']) {
    const reply = await guardedHttp({ method: 'GET', url: `${base}/.well-known/${document}`, network, signal });
    if (reply.status === 404) continue;
    const found = parse(metadata, mustBe(reply, 200, 'Reading the metadata'));
    if (found.issuer.replace(/\/$/, '') !== base) {
      throw new EstopError('connector-garbage', { detail: 'The metadata names another issuer.' });
    }
    return found;
  }
  throw new EstopError('connector-garbage', { detail: 'The server publishes no metadata.' });
}
