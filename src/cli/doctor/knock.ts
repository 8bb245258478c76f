import { connect as connectPlain } from 'node:net';
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

/** When the certificate shown there ends. It is only read: nothing is sent to whoever shows it, trusted or not. */
export function certificateEnd(host: string, port: number): Promise<Date | undefined> {
  return new Promise((resolve) => {
    const socket = connectTls({ host, port, servername: host, rejectUnauthorized: false, timeout: patienceMs });
    const end = (at: Date | undefined): void => {
      socket.destroy();
      resolve(at);
    };
    socket.once('secureConnect', () => {
      const until = new Date(socket.getPeerCertificate().valid_to);
      end(Number.isNaN(until.getTime()) ? undefined : until);
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
  return 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : thrown.name;
}
