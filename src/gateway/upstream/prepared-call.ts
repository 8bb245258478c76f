import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { urlToHttpOptions } from 'node:url';
import { EstopError } from '../../core/errors.ts';
import { deferred } from '../deferred.ts';
import { secretsIn } from './holds-secret.ts';
import type { OnMessage, Prepared } from './prepared.ts';
import { readReply, type UpstreamReply } from './read-reply.ts';
import type { UpstreamSession, WireRequest } from './session.ts';

export const mostSockets = 512;
const mostIdleSockets = 64;

/** Sockets to one upstream, kept alive and kept apart from those to others. */
export function openSockets(url: URL): HttpAgent {
  const options = {
    keepAlive: true,
    maxSockets: mostSockets,
    maxFreeSockets: mostIdleSockets,
    scheduling: 'lifo' as const,
  };
  return url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
}

type Place = Pick<RequestOptions, 'protocol' | 'hostname' | 'port' | 'path' | 'auth'>;
const places = new WeakMap<URL, Place>();

/** As node:http reads an address, which it would do for every request: a third of what it takes to make one. */
function placeOf(url: URL): Place {
  const known = places.get(url);
  if (known !== undefined) return known;
  const { protocol, hostname, port, path, auth } = urlToHttpOptions(url);
  const place: Place = { protocol, hostname, port, path, auth };
  places.set(url, place);
  return place;
}

/**
 * A request that holds a connected socket and has sent nothing. node:http would otherwise take or make a socket later, in
 * another tick than the one in which the fence was asked; with the socket in hand `write` puts every byte into it at once.
 * rule: check-and-write-one-tick
 */
export class PreparedCall implements Prepared {
  readonly ready: Promise<void>;
  readonly #request: ClientRequest;
  readonly #response: Promise<IncomingMessage>;
  readonly #secrets: readonly string[];
  #connected = false;
  #gone = false;
  #written = false;

  constructor(
    session: Pick<UpstreamSession, 'url'> & Partial<Pick<UpstreamSession, 'authorization'>>,
    sockets: HttpAgent,
    headers: WireRequest['headers'],
    method: 'POST' | 'GET' | 'DELETE' = 'POST',
  ) {
    const secure = session.url.protocol === 'https:';
    const request = (secure ? httpsRequest : httpRequest)({
      ...placeOf(session.url),
      method,
      agent: sockets,
      headers,
    });
    const connection = deferred<void>();
    const response = deferred<IncomingMessage>();
    let answered = false;
    const fail = (cause?: unknown): void => {
      this.#gone = true;
      if (answered) return;
      const error = new EstopError('upstream-unavailable', { cause });
      connection.reject(error);
      response.reject(error);
    };
    request.once('socket', (socket) => {
      const connected = (): void => {
        this.#connected = true;
        connection.resolve();
      };
      if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', connected);
      else connected();
    });
    request.once('response', (incoming) => {
      answered = true;
      response.resolve(incoming);
    });
    request.on('error', fail);
    request.once('close', fail);
    // Whoever waits sees the rejection; a call that is destroyed before anybody waits is no unhandled one.
    connection.promise.catch(() => undefined);
    response.promise.catch(() => undefined);
    this.#request = request;
    // Also that in whose name the session was opened, if it is another.
    this.#secrets = secretsIn(headers['authorization'], session.authorization);
    this.#response = response.promise;
    this.ready = connection.promise;
  }

  /** An idle socket may be closed by the upstream at any time; then another must be prepared. */
  get isUsable(): boolean {
    return this.#connected && !this.#gone && !this.#request.destroyed;
  }

  get isWritten(): boolean {
    return this.#written;
  }

  /** All of it, now. Sent once and never again: a second sending could have a second effect. */
  write(body?: string): Promise<IncomingMessage> {
    this.#written = true;
    this.#request.end(body);
    return this.#response;
  }

  async send(body: string, callId: string, onMessage: OnMessage): Promise<UpstreamReply> {
    return readReply(await this.write(body), callId, onMessage, this.#secrets);
  }

  /** The socket is closed at once; the upstream sees its client gone. Bytes already given to the kernel are not taken back. */
  destroy(): void {
    this.#request.destroy();
  }
}
