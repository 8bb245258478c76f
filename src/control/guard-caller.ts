import { EstopError } from '../core/errors.ts';

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * A page in somebody's browser may reach this port. Host must be a name that is ours (else a foreign name was pointed at this
 * address), and a request that a browser sends from another site is refused, whatever token it carries.
 */
export function createCallerGuard(controlUrl: string): (request: Request) => void {
  const own = new URL(controlUrl);
  return (request) => {
    const host = hostnameOf(request.headers.get('host') ?? new URL(request.url).host);
    if (host !== own.hostname && !loopbackNames.has(host))
      throw new EstopError('origin-refused', { detail: 'This host name is not one of this API.' });
    const origin = request.headers.get('origin');
    if (origin !== null && origin !== own.origin)
      throw new EstopError('origin-refused', { detail: 'Requests from other origins are not taken.' });
    const site = request.headers.get('sec-fetch-site');
    if (site !== null && site !== 'same-origin' && site !== 'none')
      throw new EstopError('origin-refused', { detail: 'Requests from other sites are not taken.' });
  };
}

function hostnameOf(host: string): string {
  try {
    return new URL(`http://${host}`).hostname;
  } catch {
    return '';
  }
}

/** Before a port is opened: an API that anybody on the network can reach must be meant to be. */
export function refuseRemoteBind(host: string, allowRemote: boolean): void {
  const isLoopback = loopbackNames.has(host) || host === '::1' || host.startsWith('127.');
  if (isLoopback || allowRemote) return;
  throw new EstopError('config-invalid', {
    detail: `${host} is not a loopback address: set ESTOP_ALLOW_REMOTE=yes if this API is meant to be reached from elsewhere.`,
  });
}
