import { EstopError } from '../core/errors.ts';

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * A page in somebody's browser may reach this port. Host must be a name that is ours (else a foreign name was pointed at this
 * address), and a request that a browser sends from another site is refused, whatever token it carries. `hostNames`: those under which
 * other services reach it, which no page of ours comes from. `alsoFrom`: one more origin whose pages may call, for the one door that
 * says so.
 */
export function createCallerGuard(
  controlUrl: string,
  hostNames: readonly string[] = [],
  alsoFrom?: string,
): (request: Request) => void {
  const own = new URL(controlUrl);
  return (request) => {
    const host = hostnameOf(request.headers.get('host') ?? new URL(request.url).host);
    if (host !== own.hostname && !loopbackNames.has(host) && !hostNames.includes(host))
      throw new EstopError('origin-refused', { detail: 'This host name is not one of this API.' });
    const origin = request.headers.get('origin');
    if (origin !== null && origin === alsoFrom) return;
    if (origin !== null && origin !== own.origin)
      throw new EstopError('origin-refused', { detail: 'Requests from other origins are not taken.' });
    const site = request.headers.get('sec-fetch-site');
    if (site !== null && site !== 'same-origin' && site !== 'none' && !isOpenedPage(request))
      throw new EstopError('origin-refused', { detail: 'Requests from other sites are not taken.' });
  };
}

/** A link in a message, or the way back from an identity provider: a page that a person sees, and that changes nothing. */
function isOpenedPage(request: Request): boolean {
  const { headers, method, url } = request;
  if (method !== 'GET' || new URL(url).pathname.startsWith('/v1/')) return false;
  return headers.get('sec-fetch-mode') === 'navigate' && headers.get('sec-fetch-dest') === 'document';
}

function hostnameOf(host: string): string {
  try {
    return new URL(`http://${host}`).hostname;
  } catch {
    return '';
  }
}

export const isLoopback = (host: string): boolean =>
  loopbackNames.has(host) || host === '::1' || host.startsWith('127.');

/** Before a port is opened: an API that anybody on the network can reach must be meant to be. */
export function refuseRemoteBind(host: string, allowRemote: boolean, hasWayIn = true): void {
  if (isLoopback(host)) return;
  if (allowRemote && !hasWayIn)
    throw new EstopError('config-invalid', {
      detail: `${host} is not a loopback address, and nobody could sign in: configure signIn.oidc, or put a token into tokens.json.`,
    });
  if (allowRemote) return;
  throw new EstopError('config-invalid', {
    detail: `${host} is not a loopback address: set ESTOP_ALLOW_REMOTE=yes if this API is meant to be reached from elsewhere.`,
  });
}
