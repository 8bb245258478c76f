import type { ConfigSource, SecretAt, VaultSpec } from '../../contract/config.ts';
import type { Log } from '../../contract/identity.ts';
import { EstopError, errorCodeOf } from '../../core/errors.ts';
import { VaultClient, type VaultRead } from './vault-client.ts';

type VaultAt = NonNullable<SecretAt['vault']>;

/** Of both clocks, so that neither a machine that slept nor a clock that was set makes a value look younger than it is. */
interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

interface Entry {
  readonly read: VaultRead;
  readonly readAt: Moment;
}

interface Parts {
  readonly config: ConfigSource;
  readonly readLocal: (reference: SecretAt) => string;
  readonly log: Log;
  readonly now?: () => Moment;
}

const systemNow = (): Moment => ({ monotonic: performance.now(), wall: Date.now() });
/** After a vault that did not answer: a call must not wait for every one before it. */
const quietMs = 2_000;

/**
 * Secrets of a vault, in memory alone. A value is read again after `refresh`; while the vault does not answer it is used until it
 * is `stale` old, or its lease is over, and no longer. A definite no of the vault ends it at once.
 */
export class VaultSecrets {
  readonly #parts: Parts;
  readonly #now: () => Moment;
  #spec: VaultSpec | undefined;
  #client: VaultClient | undefined;
  #entries = new Map<string, Entry>();
  #reading = new Map<string, Promise<void>>();
  #quietUntil = new Map<string, number>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#now = parts.now ?? systemNow;
  }

  /** Resolves when the vault was asked; undefined: what is held is fresh, or was asked for in vain a moment ago. */
  ready({ path }: VaultAt): Promise<void> | undefined {
    this.#reconcile();
    const entry = this.#entries.get(path);
    const now = this.#now();
    if (entry !== undefined && ageOf(entry, now) < Math.min(this.#spec?.refreshMs ?? 0, lifeOf(entry, this.#spec)))
      return undefined;
    if ((this.#quietUntil.get(path) ?? 0) > now.monotonic) return undefined;
    const reading = this.#reading.get(path) ?? this.#read(path).finally(() => this.#reading.delete(path));
    this.#reading.set(path, reading);
    return reading;
  }

  read({ path, field }: VaultAt): string {
    this.#reconcile();
    const entry = this.#entries.get(path);
    if (entry === undefined || ageOf(entry, this.#now()) >= lifeOf(entry, this.#spec)) throw missing(path);
    const value = Object.hasOwn(entry.read.fields, field) ? entry.read.fields[field] : undefined;
    if (typeof value !== 'string' || value === '') throw missing(`${path} ${field}`);
    return value;
  }

  /** Another vault, or another way into it: nothing of the old is used. */
  #reconcile(): void {
    const spec = this.#parts.config.current().vault;
    if (JSON.stringify(spec) === JSON.stringify(this.#spec)) return;
    this.#spec = spec;
    this.#entries = new Map();
    this.#reading = new Map();
    this.#quietUntil = new Map();
    const { readLocal } = this.#parts;
    this.#client = spec === undefined ? undefined : new VaultClient(spec, readLocal, () => this.#now().monotonic);
  }

  async #read(path: string): Promise<void> {
    const client = this.#client;
    const readAt = this.#now();
    try {
      if (client === undefined) throw new EstopError('config-invalid', { detail: 'there is no block `vault`' });
      const read = await client.read(path);
      if (client !== this.#client) return;
      this.#entries.set(path, { read, readAt });
      this.#quietUntil.delete(path);
    } catch (thrown) {
      if (client !== this.#client) return;
      const code = errorCodeOf(thrown);
      // A no is an answer: what it was before must not be used.
      if (code === 'connector-refused') this.#entries.delete(path);
      this.#quietUntil.set(path, this.#now().monotonic + quietMs);
      const isHeld = this.#entries.has(path);
      this.#parts.log.warn(
        { event: 'vault.not-read', path, code, isHeld },
        'a secret could not be read from the vault; what is held of it is used until it is stale',
      );
    }
  }
}

const ageOf = ({ readAt }: Entry, now: Moment): number =>
  Math.max(now.monotonic - readAt.monotonic, Math.abs(now.wall - readAt.wall));

const lifeOf = ({ read }: Entry, spec: VaultSpec | undefined): number =>
  Math.min(spec?.staleMs ?? 0, read.leaseMs ?? Number.POSITIVE_INFINITY);

const missing = (what: string): EstopError => new EstopError('secret-missing', { detail: `vault ${what}` });
