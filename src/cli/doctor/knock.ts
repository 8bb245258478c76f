import { connect as connectPlain, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Send } from '../../sdk/transport.ts';

const patienceMs = 3_000;

export type Knocked =
  | { readonly kind: 'answered'; readonly status: number; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: 'away'; readonly why: string };

/** One GET without a token. What comes back is shown and never believed. */
export async function knockHttp(send: Send, url: string): Promise<Knocked> {
  try {
    const answer = await send(url, {
      method: 'GET',
      headers: {},
      signal: AbortSignal.timeout(patienceMs),
      redirect: 'error',
    });
    return { kind: 'answered', status: answer.status, body: objectIn(await answer.text()) };
  } catch (thrown) {
    return { kind: 'away', why: reasonOf(thrown) };
  }
}

/** Whether anything listens there. */
export function knockPort(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connectPlain({ host, port, timeout: patienceMs });
    const end = (why: string | undefined): void => {
      socket.destroy();
      resolve(why);
    };
    socket.once('connect', () => end(undefined));
    socket.once('timeout', () => end('no answer in time'));
    socket.once('error', (error) => end(reasonOf(error)));
  });
}

export interface Validity {
  readonly from: Date;
  readonly until: Date;
}

/** For when the certificate shown there is good. It is only read: nothing is sent to whoever shows it, trusted or not. */
export function certificateAt(host: string, port: number): Promise<Validity | undefined> {
  return new Promise((resolve) => {
    // An address is no name of a server (RFC 6066), and Node would warn of it in the middle of our lines.
    const named = isIP(host) === 0 ? { servername: host } : {};
    const socket = connectTls({ host, port, ...named, rejectUnauthorized: false, timeout: patienceMs });
    const end = (at: Validity | undefined): void => {
      socket.destroy();
      resolve(at);
    };
    socket.once('secureConnect', () => {
      const shown = socket.getPeerCertificate();
      const [from, until] = [new Date(shown.valid_from), new Date(shown.valid_to)];
      end(Number.isNaN(from.getTime() + until.getTime()) ? undefined : { from, until });
    });
    socket.once('timeout', () => end(undefined));
    socket.once('error', () => end(undefined));
  });
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}; // each word is checked where it is used
  } catch {
    return {};
  }
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'no answer';
  if (thrown.name === 'TimeoutError' || thrown.name === 'AbortError') return 'no answer in time';
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : thrown.name;
  return ofCertificates[code] ?? code;
}

/** What OpenSSL calls it says little to whoever is woken by it. */
const ofCertificates: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate is over, by the clock of this machine',
  CERT_NOT_YET_VALID: 'its certificate is not good yet, by the clock of this machine',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'this machine trusts nobody who signed its certificate (NODE_EXTRA_CA_CERTS)',
  SELF_SIGNED_CERT_IN_CHAIN: 'this machine trusts nobody who signed its certificate (NODE_EXTRA_CA_CERTS)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'this machine trusts nobody who signed its certificate (NODE_EXTRA_CA_CERTS)',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'this machine trusts nobody who signed its certificate (NODE_EXTRA_CA_CERTS)',
};
