/** The site of an address is its registrable domain: all that stands under one owner. Strict: what is not plainly a web address has none. */
import { parse } from 'tldts';

const options = { validateHostname: false, extractHostname: false, allowPrivateDomains: true } as const;
/** No other scheme, no user part, no backslash, no space, no percent in the host: each is a way to show one host and reach another. */
const address =
  /^(?:(?:https?|ftps?|wss?):)?(?:\/\/)?([\p{L}\p{N}._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?(?:[/?#][^\s\\]*)?$/iu;

export function siteOf(url: string): string | undefined {
  if (url.length > 8192) return undefined;
  const host = address.exec(url.trim())?.[1]?.normalize('NFC').toLowerCase().replace(/\.+$/, '');
  if (host === undefined || host === '' || host.startsWith('.') || host.includes('..')) return undefined;
  if (host.startsWith('[')) return host;
  return parse(host, options).domain ?? host;
}

/** Kept free (RFC 2606, RFC 6762, ICANN's list of what is never delegated), or in use inside companies: in no list of suffixes. */
const unlisted = new Set('example test invalid local localhost internal intranet private corp home lan'.split(' '));

/** Of sources, "owner/name" in an address; one name alone is the whole place there. */
export function placeOf(url: string): string | undefined {
  const path = /^(?:[a-z][a-z0-9+.-]*:\/\/)?[^/?#]+\/([^?#\s]+)/i.exec(url)?.[1];
  const parts = (path ?? '').split('/').filter((part) => part !== '');
  return parts.length === 0
    ? undefined
    : parts
        .slice(0, 2)
        .join('/')
        .replace(/\.git$/i, '');
}

/** Whether a bare word of a text is meant as a host: it ends in a suffix under which sites are registered. */
export function isHost(word: string): boolean {
  if (!word.includes('.') || word.includes('@')) return false;
  const { isIcann, isPrivate, domain, publicSuffix } = parse(word.toLowerCase(), options);
  return (isIcann === true || isPrivate === true || unlisted.has(publicSuffix ?? '')) && domain !== null;
}

const emailPattern = /^[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]{1,64}@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+$/u;

export function isEmail(word: string): boolean {
  return word.length <= 320 && emailPattern.test(word);
}

/** `Name <address>` is its address, because a display name is whatever its sender likes. */
export function addressOf(value: string): string {
  const inner = /^[^<>@]*<([^<>\s]+)>$/.exec(value.trim())?.[1];
  return (inner ?? value.trim()).replace(/^mailto:/i, '');
}

/** Kept free for examples: nobody is reached there. */
export function isPlaceholder(address: string): boolean {
  return /@(?:[a-z0-9-]+\.)*(?:example\.(?:com|net|org)|example|invalid|test)$/i.test(address);
}
