import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Context } from 'hono';
import { createNetworks } from '../../runtime/networks.ts';

/**
 * From where a request comes: the address that is connected here, or, where that is a proxy which the configuration trusts, the one that
 * the proxy says, back over all that are trusted. What else stands in that header anybody can write. Of IPv6 the network of 64 bits:
 * one customer has that many addresses.
 */
export function createSourceOf(trustedProxies: readonly string[] = []): (context: Context) => string {
  const isTrusted = createNetworks(trustedProxies);
  return (context) => {
    // What @hono/node-server hands on; a request that came over no connection has none.
    const { incoming } = (context.env ?? {}) as { readonly incoming?: IncomingMessage };
    let source = plainAddress(incoming?.socket.remoteAddress ?? '');
    const said = (context.req.header('x-forwarded-for') ?? '').split(',');
    while (isTrusted(source)) {
      const next = plainAddress(said.pop() ?? '');
      if (isIP(next) === 0) break;
      source = next;
    }
    return isIP(source) === 6 ? networkOf(source) : source;
  };
}

/** Without port, brackets, zone, and the mapping of IPv4 into IPv6. */
function plainAddress(text: string): string {
  const trimmed = text.trim();
  const [, inside] = /^\[([^\]]+)\]/.exec(trimmed) ?? [];
  const address = (inside ?? trimmed).replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
  return inside === undefined && isIP(address) === 0 ? address.replace(/:\d+$/, '') : address;
}

function networkOf(address: string): string {
  const [head = '', tail] = address.split('::');
  const left = head.split(':').filter((part) => part !== '');
  const right = (tail ?? '').split(':').filter((part) => part !== '');
  const zeros =
    tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  const parts = [...left, ...zeros, ...right].slice(0, 4).map((part) => Number.parseInt(part, 16).toString(16));
  return `${parts.join(':')}::/64`;
}
