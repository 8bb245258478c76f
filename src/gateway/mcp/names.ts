/**
 * Names on the endpoint of all servers. `server__prompt` as for tools; a URI gets a scheme of its own that says whose it is:
 * `mcp.<server>+<uri>`. On the endpoint of one server everything bears its own name.
 */
export interface OwnedName {
  readonly serverId: string;
  readonly name: string;
}

export const joinName = (serverId: string, name: string): string => `${serverId}__${name}`;
export const joinUri = (serverId: string, uri: string): string => `mcp.${serverId}+${uri}`;

/** Server names hold no underscore and no plus, so the first of them parts the name. */
export function splitName(name: string): OwnedName | undefined {
  const at = name.indexOf('__');
  return at < 1 ? undefined : { serverId: name.slice(0, at), name: name.slice(at + 2) };
}

export function splitUri(uri: string): OwnedName | undefined {
  const at = uri.indexOf('+');
  return uri.startsWith('mcp.') && at > 4 ? { serverId: uri.slice(4, at), name: uri.slice(at + 1) } : undefined;
}
