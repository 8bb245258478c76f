import type { RemovedSecret, Secret, SecretPage } from '../contract/http/secrets.ts';
import { pathSegment } from './path-segment.ts';
import type { Transport } from './transport.ts';

/** Credentials of upstreams. A value goes in, and never comes out again. */
export interface Secrets {
  list(): Promise<SecretPage>;
  set(name: string, value: string): Promise<Secret>;
  rotate(name: string, value: string): Promise<Secret>;
  remove(name: string): Promise<RemovedSecret>;
}

export function createSecrets(call: Transport, baseUrl: string): Secrets {
  const post = <Result>(name: string, verb: string, body: object): Promise<Result> =>
    call({ method: 'POST', baseUrl, path: `/v1/secrets/${pathSegment(name)}:${verb}`, isRepeated: true, body });
  return {
    list: () => call({ method: 'GET', baseUrl, path: '/v1/secrets' }),
    set: (name, value) => post(name, 'set', { value }),
    rotate: (name, value) => post(name, 'rotate', { value }),
    remove: (name) => post(name, 'remove', {}),
  };
}
