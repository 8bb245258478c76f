import { z } from 'zod';
import { guardedHttp, type HttpReply, jsonOf } from '../../connectors/kit/guarded-http.ts';
import type { SecretAt, VaultSpec } from '../../contract/config.ts';
import { EstopError } from '../../core/errors.ts';

export interface VaultRead {
  readonly fields: Readonly<Record<string, unknown>>;
  /** How long it may be used at the most, if the vault said so. */
  readonly leaseMs: number | undefined;
}

interface HeldToken {
  readonly token: string;
  readonly renewable: boolean;
  /** By our own monotonic clock: from when on it is renewed, and when it is over. */
  readonly renewAt: number;
  readonly endsAt: number;
}

const timeoutMs = 5_000;
const secondMs = 1_000;

const login = z.object({
  auth: z.object({ client_token: z.string().min(1), lease_duration: z.number().min(0), renewable: z.boolean() }),
});
const lookup = z.object({ data: z.object({ ttl: z.number().min(0), renewable: z.boolean().optional() }) });
const renewal = z.object({ auth: z.object({ lease_duration: z.number().min(0), renewable: z.boolean() }) });
const secret = z.object({
  lease_duration: z.number().optional(),
  data: z.object({ data: z.record(z.string(), z.unknown()) }),
});

/**
 * The HTTP API of OpenBao and Vault, of which we use four calls: log in by AppRole, look at and renew our own token, read one
 * secret of a KV engine version 2. Throws connector-refused for a definite no (also: there is no such secret), and
 * connector-unavailable or connector-garbage for everything that says nothing about the secret.
 */
export class VaultClient {
  readonly #spec: VaultSpec;
  readonly #readLocal: (reference: SecretAt) => string;
  readonly #now: () => number;
  #token: HeldToken | undefined;
  #gettingToken: Promise<HeldToken> | undefined;

  constructor(spec: VaultSpec, readLocal: (reference: SecretAt) => string, now: () => number) {
    this.#spec = spec;
    this.#readLocal = readLocal;
    this.#now = now;
  }

  async read(path: string): Promise<VaultRead> {
    const held = await this.#tokenNow();
    let reply = await this.#get(path, held);
    if (reply.status === 403 && this.#spec.appRole !== undefined) {
      // The token may have been revoked before its time. A new one that is refused as well is an answer.
      if (this.#token === held) this.#token = undefined;
      reply = await this.#get(path, await this.#tokenNow());
    }
    const { lease_duration: lease = 0, data } = parsed(secret, reply);
    return { fields: data.data, leaseMs: lease > 0 ? lease * secondMs : undefined };
  }

  #get(path: string, { token }: HeldToken): Promise<HttpReply> {
    return this.#send('GET', `${this.#spec.mount}/data/${path}`, token);
  }

  #tokenNow(): Promise<HeldToken> {
    const held = this.#token;
    const now = this.#now();
    if (held !== undefined && now < held.renewAt) return Promise.resolve(held);
    this.#gettingToken ??= this.#nextToken(held, now).finally(() => {
      this.#gettingToken = undefined;
    });
    return this.#gettingToken;
  }

  async #nextToken(held: HeldToken | undefined, now: number): Promise<HeldToken> {
    const next = held !== undefined && held.renewable && now < held.endsAt ? await this.#renewed(held) : undefined;
    this.#token = next ?? (await this.#obtained());
    return this.#token;
  }

  /** Undefined: it is not to be renewed any more. */
  async #renewed({ token }: HeldToken): Promise<HeldToken | undefined> {
    const asked = this.#now();
    const reply = await this.#send('POST', 'auth/token/renew-self', token, {});
    if (reply.status === 400 || reply.status === 403) return undefined;
    const { auth } = parsed(renewal, reply);
    return this.#holding(token, auth.lease_duration, auth.renewable, asked);
  }

  async #obtained(): Promise<HeldToken> {
    const { appRole, token } = this.#spec;
    const asked = this.#now();
    if (appRole === undefined) {
      const given = this.#readLocal(token ?? {});
      const { data } = parsed(lookup, await this.#send('GET', 'auth/token/lookup-self', given));
      return this.#holding(given, data.ttl, data.renewable ?? false, asked);
    }
    const reply = await this.#send('POST', `auth/${appRole.mount}/login`, undefined, {
      role_id: this.#readLocal(appRole.roleId),
      secret_id: this.#readLocal(appRole.secretId),
    });
    const { auth } = parsed(login, reply);
    return this.#holding(auth.client_token, auth.lease_duration, auth.renewable, asked);
  }

  /** Counted from before it was asked for; 0 is a token without an end. Renewed when half of its life is over. */
  #holding(token: string, lifeSeconds: number, renewable: boolean, asked: number): HeldToken {
    const lifeMs = lifeSeconds === 0 ? Number.POSITIVE_INFINITY : lifeSeconds * secondMs;
    return { token, renewable, renewAt: asked + lifeMs / 2, endsAt: asked + lifeMs };
  }

  #send(method: 'GET' | 'POST', path: string, token: string | undefined, body?: object): Promise<HttpReply> {
    const { url, network, namespace } = this.#spec;
    return guardedHttp({
      method,
      url: `${url.replace(/\/+$/, '')}/v1/${path}`,
      headers: {
        'x-vault-request': 'true',
        ...(token === undefined ? {} : { 'x-vault-token': token }),
        ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      network,
      signal: AbortSignal.timeout(timeoutMs),
      timeoutMs,
    });
  }
}

/** Its own words are not repeated: they may quote what we sent. */
function parsed<Shape>(schema: z.ZodType<Shape>, reply: HttpReply): Shape {
  if ([400, 403, 404].includes(reply.status))
    throw new EstopError('connector-refused', { detail: `the vault answered ${reply.status}` });
  if (reply.status !== 200)
    throw new EstopError('connector-unavailable', { detail: `the vault answered ${reply.status}` });
  const result = schema.safeParse(jsonOf(reply));
  if (result.success) return result.data;
  throw new EstopError('connector-garbage', { detail: 'the vault gave an answer of another shape' });
}
