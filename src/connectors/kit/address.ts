import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { EstopError } from '../../core/errors.ts';

/**
 * How far a connector may reach. The default is the public internet alone; who configures a system on a private network or on
 * this machine says so, for that one origin. No choice reaches link-local addresses: cloud metadata lives there.
 */
export const network = z.enum(['public', 'private', 'loopback']).default('public');
export type Network = z.output<typeof network>;

export interface ResolvedAddress {
  readonly ip: string;
  readonly family: 4 | 6;
}

type AddressRange = Network | 'refused';

/**
 * Resolves a host name ONCE and checks what came out; the caller connects to exactly that address, so that a second answer of
 * the resolver (DNS rebinding) is never used. If a name has several addresses and one of them is not allowed, all are refused:
 * a name that points half inside is not a name to trust.
 */
export async function resolveAddress(host: string, allowed: Network, signal: AbortSignal): Promise<ResolvedAddress> {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  return chooseAddress(
    host,
    isIP(bare) === 0 ? await lookUp(bare, signal) : [{ ip: bare, family: familyOf(bare) }],
    allowed,
  );
}

/** Of what a name resolved to, or why none of it. */
export function chooseAddress(host: string, addresses: readonly ResolvedAddress[], allowed: Network): ResolvedAddress {
  for (const { ip } of addresses) {
    const range = rangeOf(ip);
    if (range === 'public' || range === allowed) continue;
    throw new EstopError('address-refused', {
      detail: `${printable(host)} has the address ${ip} (${range}); this connector may reach ${allowed} addresses only. How far away it may be stands in estop.yaml, as its network.`,
    });
  }
  const [first] = addresses;
  if (first === undefined)
    throw new EstopError('connector-unavailable', { detail: `${printable(host)} has no address.` });
  return first;
}

async function lookUp(host: string, signal: AbortSignal): Promise<readonly ResolvedAddress[]> {
  signal.throwIfAborted();
  const aborted = new Promise<never>((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  ); // abort reasons of our own making
  try {
    const answers = await Promise.race([lookup(host, { all: true, verbatim: true }), aborted]);
    return answers.map(({ address }) => ({ ip: address, family: familyOf(address) }));
  } catch (cause) {
    throw new EstopError('connector-unavailable', { detail: `${printable(host)} could not be resolved.`, cause });
  }
}

function familyOf(ip: string): 4 | 6 {
  return isIP(ip) === 6 ? 6 : 4;
}

/** An IPv4 address in IPv6 clothes (mapped, NAT64, 6to4, Teredo) is not `public`: what cannot be told is refused. */
export function rangeOf(ip: string): AddressRange {
  const family = isIP(ip);
  if (family !== 0 && metadata.check(ip, family === 4 ? 'ipv4' : 'ipv6')) return 'refused';
  if (family === 4) return rangeOf4(ip);
  if (family !== 6) return 'refused';
  if (loopback6.check(ip, 'ipv6')) return 'loopback';
  if (private6.check(ip, 'ipv6')) return 'private';
  if (global6.check(ip, 'ipv6') && !special6.check(ip, 'ipv6')) return 'public';
  return 'refused';
}

function rangeOf4(ip: string): AddressRange {
  if (loopback4.check(ip)) return 'loopback';
  if (private4.check(ip)) return 'private';
  return special4.check(ip) ? 'refused' : 'public';
}

/** Cloud metadata that hides in ranges which are otherwise allowed: Alibaba, Azure, AWS over IPv6. */
const metadata = new BlockList();
metadata.addAddress('100.100.100.200', 'ipv4');
metadata.addAddress('168.63.129.16', 'ipv4');
metadata.addAddress('fd00:ec2::254', 'ipv6');

const loopback4 = subnets('ipv4', ['127.0.0.0/8']);
/** RFC 1918, and the shared space of RFC 6598 that container networks use. */
const private4 = subnets('ipv4', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10']);
/** The rest of the IANA special-purpose registry: this network, link-local (cloud metadata), documentation, benchmarks, multicast, reserved. */
const special4 = subnets('ipv4', [
  '0.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]);
const loopback6 = subnets('ipv6', ['::1/128']);
const private6 = subnets('ipv6', ['fc00::/7']);
const global6 = subnets('ipv6', ['2000::/3']);
/** Teredo, ORCHID and other protocol assignments, documentation, 6to4. */
const special6 = subnets('ipv6', ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']);

function subnets(family: 'ipv4' | 'ipv6', ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [base = '', bits = ''] = range.split('/');
    list.addSubnet(base, Number(bits), family);
  }
  return list;
}

/** A host name in a message: it came from a file or a redirect, and may hold anything. */
function printable(host: string): string {
  return JSON.stringify(host.length > 80 ? `${host.slice(0, 80)}..` : host);
}
