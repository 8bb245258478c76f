import { createHmac, randomBytes } from 'node:crypto';
import type { ConfigSource, EstopConfig, SecretAt } from '../../contract/config.ts';
import { type CredentialUse, credentialUses, wronglyShared } from '../../contract/credential-use.ts';
import type { Log } from '../../contract/identity.ts';
import { EstopError } from '../../core/errors.ts';
import type { SealedSecrets } from './sealed-secrets.ts';
import type { VaultSecrets } from './vault-secrets.ts';

interface Parts {
  readonly config: ConfigSource;
  readonly readLocal: (reference: SecretAt) => string;
  readonly sealed: SealedSecrets;
  readonly vault: VaultSecrets;
  readonly log: Log;
}

interface Review {
  readonly config: EstopConfig;
  readonly at: number;
  readonly uses: ReadonlyMap<string, readonly CredentialUse[]>;
}

/** Files and variables change without a word: how long what they held is believed when values are compared. */
const reviewEveryMs = 1_000;

/** Every credential of an upstream, wherever it lies. Reading throws where there is none: the call is then denied. */
export class UpstreamSecrets {
  readonly #parts: Parts;
  /** Of this process alone: values are compared by keyed hashes, and kept as nothing else. */
  readonly #key = randomBytes(32);
  #review: Review | undefined;
  #told = new Set<string>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** What has to be waited for before it is read. */
  ready({ secret, vault }: SecretAt): Promise<void> | undefined {
    if (secret !== undefined) return this.#parts.sealed.ready();
    return vault === undefined ? undefined : this.#parts.vault.ready(vault);
  }

  read(reference: SecretAt): string {
    const { secret, vault } = reference;
    const value =
      secret !== undefined
        ? this.#parts.sealed.read(secret)
        : vault === undefined
          ? this.#parts.readLocal(reference)
          : this.#parts.vault.read(vault);
    if (value === '') throw new EstopError('secret-missing', { detail: 'it is empty' });
    // No environment and no header holds it, and node's own error would say all of it.
    if (value.includes('\0')) throw new EstopError('secret-missing', { detail: 'it has a zero byte in it' });
    return value;
  }

  /** Whether this value, which this agent is about to use, stands for several, in whichever places it lies, without the configuration saying so. */
  isWronglyShared(value: string, agentId: string): boolean {
    const hash = this.#hash(value);
    const now = performance.now();
    const held = this.#review;
    const isOld = held === undefined || held.config !== this.#parts.config.current() || now - held.at > reviewEveryMs;
    const isSeen = held?.uses.get(hash)?.some(({ agents }) => agents.includes(agentId)) === true;
    const review = isOld || !isSeen ? this.#compare(now) : held;
    const uses = review.uses.get(hash) ?? [];
    const agents = wronglyShared(uses);
    if (agents.length > 0) this.#tell(agents, uses);
    return agents.length > 0;
  }

  #compare(at: number): Review {
    const config = this.#parts.config.current();
    const uses = new Map<string, CredentialUse[]>();
    for (const use of credentialUses(config)) {
      const hash = this.#hashOf(use.reference);
      if (hash === undefined) continue;
      const same = uses.get(hash);
      if (same === undefined) uses.set(hash, [use]);
      else same.push(use);
    }
    this.#review = { config, at, uses };
    return this.#review;
  }

  #hashOf(reference: SecretAt): string | undefined {
    try {
      return this.#hash(this.read(reference));
    } catch {
      return undefined;
    }
  }

  #hash(value: string): string {
    return createHmac('sha256', this.#key).update(value).digest('base64url');
  }

  /** Once for each set of places, not once for each call. */
  #tell(agents: readonly string[], uses: readonly CredentialUse[]): void {
    const places = uses.map((use) => use.path.join('.'));
    const key = [...agents, ...places].join(' ');
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#parts.log.error(
      { event: 'credential.shared', agents, places },
      'one credential stands for several agents, and the configuration does not say so; calls with it are denied',
    );
  }
}
