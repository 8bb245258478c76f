import { createHash, timingSafeEqual } from 'node:crypto';
import type { AgentSpec, EstopConfig, SecretAt } from '../../contract/config.ts';

/** What a client says of itself: `<agent>.<name>`, and its secret. */
export interface ShownClient {
  readonly clientId: string;
  readonly secret: string;
}

/** A shorter one could be guessed. */
const leastSecret = 32;

/** The agent whose client it is; undefined, after the same work, for everybody else. */
export function agentOfClient(
  { agents }: EstopConfig,
  { clientId, secret }: ShownClient,
  readSecret: (at: SecretAt) => string,
): AgentSpec | undefined {
  const [agentId = '', name = '', ...more] = clientId.split('.');
  const agent = agents.find((one) => one.agentId === agentId);
  const clients = agent?.clients ?? {};
  const at = more.length === 0 && Object.hasOwn(clients, name) ? clients[name] : undefined;
  const expected = at === undefined ? '' : readSecret(at).trim();
  const same = timingSafeEqual(digest(secret), digest(expected));
  return same && expected.length >= leastSecret ? agent : undefined;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** In the header or in the body, as OAuth has it; in both at once, or twice, it is nobody. */
export function shownClient(authorization: string | undefined, form: URLSearchParams): ShownClient | undefined {
  const [clientId, secret] = [oneOf(form, 'client_id'), oneOf(form, 'client_secret')];
  const basic = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization ?? '')?.[1];
  if (authorization === undefined)
    return clientId === undefined || secret === undefined ? undefined : { clientId, secret };
  if (basic === undefined || secret !== undefined) return undefined;
  const text = Buffer.from(basic, 'base64').toString('utf8');
  const at = text.indexOf(':');
  if (at < 1) return undefined;
  const shown = { clientId: plain(text.slice(0, at)), secret: plain(text.slice(at + 1)) };
  return clientId === undefined || clientId === shown.clientId ? shown : undefined;
}

/** Undefined if it stands there twice: which of the two was meant nobody can say. */
export function oneOf(form: URLSearchParams, name: string): string | undefined {
  const all = form.getAll(name);
  return all.length === 1 ? all[0] : undefined;
}

/** RFC 6749 wants both parts encoded as in a form; many clients do not, and our ids and secrets read the same either way. */
function plain(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
