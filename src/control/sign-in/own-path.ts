const here = 'http://here.invalid';
/** A client of MCP asks with an address that holds all of its question. */
const mostCharacters = 2_500;

/**
 * Where to go after signing in: a path of our own, or the first page. Read as a browser reads it, because a browser drops tabs and
 * turns backslashes, and looked at again afterwards: `/.//host` becomes `//host` only there.
 */
export function ownPath(asked: string | undefined): string {
  if (asked === undefined || asked.length > mostCharacters || !asked.startsWith('/')) return '/';
  const url = URL.parse(asked, here);
  if (url === null || url.origin !== here || url.pathname.startsWith('//')) return '/';
  if (url.pathname.startsWith('/sign-in') || url.pathname.startsWith('/sign-out')) return '/';
  return `${url.pathname}${url.search}`;
}
