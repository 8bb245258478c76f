import { describe, expect, it } from 'vitest';
import { chooseAddress, network, rangeOf, resolveAddress } from '../../src/connectors/kit/address.ts';

const soon = (): AbortSignal => AbortSignal.timeout(5_000);

describe('Addresses that a connector may reach', () => {
  it.each([
    ['1.1.1.1', 'public'],
    ['2606:4700::1111', 'public'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['10.0.0.1', 'private'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.1', 'public'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['fd12::1', 'private'],
    // Cloud metadata, under every name it has.
    ['169.254.169.254', 'refused'],
    ['100.100.100.200', 'refused'],
    ['168.63.129.16', 'refused'],
    ['fd00:ec2::254', 'refused'],
    ['0.0.0.0', 'refused'],
    ['255.255.255.255', 'refused'],
    ['224.0.0.1', 'refused'],
    ['198.18.0.1', 'refused'],
    ['::', 'refused'],
    ['fe80::1', 'refused'],
    ['fe80::1%eth0', 'refused'],
    ['ff02::1', 'refused'],
    // IPv4 in IPv6 clothes: mapped, NAT64, 6to4, Teredo.
    ['::ffff:127.0.0.1', 'refused'],
    ['::ffff:1.1.1.1', 'refused'],
    ['64:ff9b::7f00:1', 'refused'],
    ['2002:7f00:1::', 'refused'],
    ['2001:0:7f00:1::', 'refused'],
    ['not an address', 'refused'],
  ])('%s is %s', (ip, range) => {
    expect(rangeOf(ip)).toBe(range);
  });

  it('are checked after the name was resolved, for what it resolved to', async () => {
    expect((await resolveAddress('localhost', 'loopback', soon())).ip).toMatch(/^(127\.0\.0\.1|::1)$/);
    await expect(resolveAddress('localhost', 'public', soon())).rejects.toMatchObject({ code: 'address-refused' });
    await expect(resolveAddress('localhost', 'private', soon())).rejects.toMatchObject({ code: 'address-refused' });
    await expect(resolveAddress('10.0.0.1', 'loopback', soon())).rejects.toMatchObject({ code: 'address-refused' });
    await expect(resolveAddress('169.254.169.254', 'private', soon())).rejects.toMatchObject({
      code: 'address-refused',
    });
  });

  it('are all refused if a name has one that is not allowed', () => {
    const outside = { ip: '1.1.1.1', family: 4 } as const;
    const inside = { ip: '10.0.0.1', family: 4 } as const;
    expect(chooseAddress('x', [outside], 'public')).toEqual(outside);
    expect(chooseAddress('x', [inside, outside], 'private')).toEqual(inside);
    expect(() => chooseAddress('x', [outside, inside], 'public')).toThrow(
      expect.objectContaining({ code: 'address-refused' }),
    );
    expect(() => chooseAddress('x', [], 'public')).toThrow(expect.objectContaining({ code: 'connector-unavailable' }));
  });

  it('are public alone, unless somebody chose otherwise', () => {
    expect(network.parse(undefined)).toBe('public');
    expect(network.safeParse('everything').success).toBe(false);
  });
});
