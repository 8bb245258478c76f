import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { LookupFunction } from 'node:net';
import { isIP } from 'node:net';
import { callbackify } from 'node:util';
import { chooseAddress, type Network, resolveAddress } from '../../connectors/kit/address.ts';
import type { ModelSpec } from '../../contract/config.ts';
import { EstopError } from '../../core/errors.ts';
import type { UpstreamSecrets } from '../secrets/upstream-secrets.ts';
import { betasIn } from './betas.ts';
import type { Dialect } from './dialect.ts';

const publicUrls: Readonly<Partial<Record<ModelSpec['provider'], string>>> = {
  openai: 'https://api.openai.com/v1',
  anthropic: 'https://api.anthropic.com/v1',
};
const anthropicVersion = '2023-06-01';
const mostSockets = 512;
const mostIdleSockets = 64;

/** Where one model call goes, and with what: made for each call, so that a rotated key needs no restart. */
export interface Provider {
  readonly url: URL;
  readonly sockets: HttpAgent;
  readonly headers: Readonly<Record<string, string>>;
  /** What must be in nothing that leaves towards the agent; empty if there is none. */
  readonly key: string;
}

/** Sockets by origin and reach: kept alive, and never shared by two trust choices. */
export class Providers {
  readonly #secrets: Pick<UpstreamSecrets, 'ready' | 'read'>;
  readonly #sockets = new Map<string, HttpAgent>();

  constructor(secrets: Pick<UpstreamSecrets, 'ready' | 'read'>) {
    this.#secrets = secrets;
  }

  /** What has to be waited for before `for` is asked. */
  ready({ apiKey }: ModelSpec): Promise<void> | undefined {
    return apiKey === undefined ? undefined : this.#secrets.ready(apiKey);
  }

  /** Throws address-refused, config-invalid or secret-missing: the call is then denied. */
  for(model: ModelSpec, dialect: Dialect, asked: Readonly<Record<string, string>>): Provider {
    const base = model.baseUrl ?? publicUrls[model.provider];
    if (base === undefined)
      throw new EstopError('config-invalid', { detail: `model ${model.modelId} needs a baseUrl` });
    const url = new URL(`${base.replace(/\/+$/, '')}${dialect.upstreamPath}`);
    const network = model.network ?? 'public';
    checkUrl(url, network);
    const key = model.apiKey === undefined ? '' : this.#secrets.read(model.apiKey);
    return { url, key, sockets: this.#socketsTo(url, network), headers: headersOf(model, key, asked) };
  }

  close(): void {
    for (const sockets of this.#sockets.values()) sockets.destroy();
  }

  #socketsTo(url: URL, network: Network): HttpAgent {
    const place = `${network} ${url.origin}`;
    const known = this.#sockets.get(place);
    if (known !== undefined) return known;
    const options = {
      keepAlive: true,
      maxSockets: mostSockets,
      maxFreeSockets: mostIdleSockets,
      scheduling: 'lifo' as const,
      lookup: guardedLookup(network),
    };
    const sockets = url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
    this.#sockets.set(place, sockets);
    return sockets;
  }
}

/** A name is resolved once and connected to as checked. An address in the URL itself is never looked up, so it is judged here. */
function checkUrl(url: URL, network: Network): void {
  if (url.username !== '' || url.password !== '') throw refused('a URL with a user name in it is refused');
  if (url.protocol === 'http:' && network === 'public')
    throw refused(`${url.origin} is plain http on a public network`);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const family = isIP(host);
  if (family !== 0) chooseAddress(host, [{ ip: host, family: family === 6 ? 6 : 4 }], network);
}

const lookupTimeoutMs = 5_000;

function guardedLookup(network: Network): LookupFunction {
  const look = callbackify((hostname: string) =>
    resolveAddress(hostname, network, AbortSignal.timeout(lookupTimeoutMs)),
  );
  return (hostname, options, callback) =>
    look(hostname, (error, found) => {
      if (error !== null) callback(error, '');
      else if (options.all === true) callback(null, [{ address: found.ip, family: found.family }]);
      else callback(null, found.ip, found.family);
    });
}

/** Of the client's own headers only those that choose a version of the protocol. */
function headersOf(
  { provider }: ModelSpec,
  key: string,
  asked: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const plain = { 'content-type': 'application/json', 'accept-encoding': 'identity', 'user-agent': 'estop-gateway/1' };
  if (provider !== 'anthropic') return { ...plain, ...(key === '' ? {} : { authorization: `Bearer ${key}` }) };
  const betas = betasIn(asked);
  return {
    ...plain,
    'anthropic-version': asked['anthropic-version'] ?? anthropicVersion,
    ...(betas.length === 0 ? {} : { 'anthropic-beta': betas.join(',') }),
    ...(key === '' ? {} : { 'x-api-key': key }),
  };
}

const refused = (why: string): EstopError =>
  new EstopError('address-refused', { detail: `A request was not sent: ${why}.` });
