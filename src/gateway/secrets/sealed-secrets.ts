import type { Log } from '../../contract/identity.ts';
import type { SecretSealer } from '../../contract/secret.ts';
import { EstopError, errorCodeOf } from '../../core/errors.ts';
import type { SealedSecret } from '../../store/secrets.ts';
import type { SecretPort } from './secret-port.ts';

interface Held {
  readonly version: number;
  readonly names: ReadonlySet<string>;
  readonly secrets: ReadonlyMap<string, SealedSecret>;
}

/**
 * The sealed secrets that the configuration names, sealed as they lie in the store: each is opened at the moment it is used. Every
 * renewal tells the version of the record; what was read under an older one is used no more, so that a rotated secret is picked up,
 * and a removed one gone, within one renewal. Whatever cannot be read or opened denies.
 */
export class SealedSecrets {
  readonly #port: SecretPort;
  readonly #sealer: SecretSealer;
  readonly #names: () => ReadonlySet<string>;
  readonly #log: Log;
  #held: Held | undefined;
  #wanted = 0;
  #loading: Promise<void> | undefined;
  #sealing: Promise<void> | undefined;

  constructor(port: SecretPort, sealer: SecretSealer, names: () => ReadonlySet<string>, log: Log) {
    this.#port = port;
    this.#sealer = sealer;
    this.#names = names;
    this.#log = log;
  }

  /** The version of the record, as the newest renewal told it. */
  hearOf(version: number): void {
    if (version > this.#wanted) this.#wanted = version;
    if (!this.#isCurrent() && this.#names().size > 0) void this.ready();
    else this.#sealAnew();
  }

  /** Resolves when it was tried; whether there is something to read, `read` says. */
  ready(): Promise<void> | undefined {
    if (this.#isCurrent()) return undefined;
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  read(name: string): string {
    const secret = this.#isCurrent() ? this.#held?.secrets.get(name) : undefined;
    if (secret === undefined) throw new EstopError('secret-missing', { detail: `secret ${name}` });
    return this.#sealer.open(name, secret.sealed);
  }

  #isCurrent(): boolean {
    const held = this.#held;
    if (held === undefined || held.version < this.#wanted) return false;
    for (const name of this.#names()) if (!held.names.has(name)) return false;
    return true;
  }

  async #load(): Promise<void> {
    const names = this.#names();
    try {
      const { version, secrets } = await this.#port.read([...names]);
      if (version > this.#wanted) this.#wanted = version;
      this.#held = { version, names, secrets };
      this.#sealAnew();
    } catch (thrown) {
      this.#log.warn(
        { event: 'secrets.not-read', code: errorCodeOf(thrown) },
        'the sealed secrets could not be read; what needs one is denied',
      );
    }
  }

  /** After `estop keys rotate`: the same value under the newest key. Another gateway may have been faster. */
  #sealAnew(): void {
    const held = this.#held;
    if (held === undefined || this.#sealing !== undefined) return;
    let newest: string;
    try {
      newest = this.#sealer.newestKeyId();
    } catch {
      return;
    }
    const old = [...held.secrets].filter(([, { keyId }]) => keyId !== newest);
    if (old.length === 0) return;
    this.#sealing = this.#sealAll(held, old).finally(() => {
      this.#sealing = undefined;
    });
  }

  async #sealAll(held: Held, old: readonly (readonly [string, SealedSecret])[]): Promise<void> {
    for (const [name, { sealed }] of old) {
      try {
        const fresh = this.#sealer.seal(name, this.#sealer.open(name, sealed));
        if (await this.#port.reseal(name, sealed, fresh))
          this.#log.info({ event: 'secret.resealed', name, keyId: fresh.keyId }, 'a secret is sealed with the new key');
      } catch (thrown) {
        this.#log.warn(
          { event: 'secret.not-resealed', name, code: errorCodeOf(thrown) },
          'a secret could not be sealed with the new key',
        );
        return;
      }
    }
    if (this.#held === held) await this.#load();
  }
}
