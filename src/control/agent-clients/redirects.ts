const longestRedirect = 300;

/** A program on the machine of the browser, and no address to which a browser would carry the code over a network. */
export const isUsableRedirect = (uri: string): boolean =>
  uri.length <= longestRedirect && (isLoopbackRedirect(uri) || isProgramRedirect(uri));

/** RFC 8252, 7.3. */
export function isLoopbackRedirect(uri: string): boolean {
  const url = URL.parse(uri);
  if (url === null || url.protocol !== 'http:' || url.hash !== '' || url.username !== '' || url.password !== '')
    return false;
  return isHere(url.hostname) && uri === uri.trim() && !/[\s\\]/.test(uri);
}

export const isHere = (host: string): boolean => ['127.0.0.1', '[::1]', 'localhost'].includes(host);

/**
 * RFC 8252, 7.1: a scheme that a program has for itself. In one spelling, and with a `/` after the scheme: what has none (`data:..`) is
 * no address of a program. Two letters at least: one is a drive. No plus: `web+..` is what web sites may claim.
 */
export function isProgramRedirect(uri: string): boolean {
  const scheme = /^([a-z][a-z0-9.-]{1,39}):\/[\x21-\x7e]*$/.exec(uri)?.[1];
  if (scheme === undefined || /[\\"'<>`{}|^]/.test(uri)) return false;
  if (notOfPrograms.has(scheme) || notOfProgramsEither.test(scheme)) return false;
  const url = URL.parse(uri);
  return url !== null && url.href === uri && !uri.includes('#') && url.username === '' && url.password === '';
}

const words = (text: string): readonly string[] => text.split(/\s+/);

/**
 * What browsers run or fetch by themselves; what a web site or a mail program may have claimed; what opens a shell, a search or a share;
 * what has a server after it that is then asked, by a calendar, a player or a reader: that would be the code, over a network.
 */
const notOfPrograms: ReadonlySet<string> = new Set(
  words(`http https ws wss ftp ftps sftp file data blob javascript vbscript jscript livescript about view-source filesystem jar
    resource res mhtml mk cid mid content intent android-app bitcoin geo im irc ircs magnet mailto matrix mms news nntp snews
    openpgp4fpr sip sips sms smsto ssh tel callto urn webcal wtai xmpp facetime facetime-audio gopher telnet rlogin tn3270 ldap
    ldaps smb cifs nfs afp dav davs rdp vnc git svn search search-ms shell hcp help applescript prefs steam javaws jnlp
    webcals feed feeds rss itpc pcast podcast rtsp rtsps rtspu rtmp rtmps rtmpt rtp mmsh mmst mmsu icy caldav caldavs carddav carddavs
    ical ipp ipps gemini ipfs ipns hg bzr cvs rsync scp fish mosh spice telnets tn5250 dict finger imap imaps pop pops smtp smtps stun
    turn turns xmlrpc soap coap coaps mqtt mqtts amqp amqps ldapi x-web-search`),
);
/** Handlers of operating systems and browsers, of which several have run what an address told them to. */
const notOfProgramsEither = /^(?:ms-|microsoft|windows|itms|x-apple|x-man|chrome|edge|moz-|opera|safari|brave)/;

/** As it was registered, to the letter; but for the port on this machine, which a program takes as it gets it. */
export function isRegistered({ redirects }: { readonly redirects: readonly string[] }, shown: string): boolean {
  if (isProgramRedirect(shown)) return redirects.includes(shown);
  if (!isLoopbackRedirect(shown)) return false;
  const wanted = withoutPort(shown);
  return redirects.some((one) => isLoopbackRedirect(one) && withoutPort(one) === wanted);
}

function withoutPort(uri: string): string {
  const { hostname, pathname, search } = new URL(uri);
  return `${hostname}${pathname}${search}`;
}
