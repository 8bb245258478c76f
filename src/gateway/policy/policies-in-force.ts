import type { Log } from '../../contract/identity.ts';
import { Engine } from '../../policy/engine.ts';
import { type PolicyFiles, type PolicySet, parsePolicySet } from '../../policy/parse-set.ts';

/** Reads the set that was activated last. Undefined: none ever was. */
export type ReadActive = () => Promise<
  { readonly activation: number; readonly version: string; readonly files: PolicyFiles } | undefined
>;

/**
 * The policies that decide here: those that were activated last, and before any was activated those that come with estop. Every
 * renewal tells the number of the newest activation; until a set of that number is loaded nothing is decided, so that no gateway
 * goes on by what a person has replaced.
 */
export class PoliciesInForce {
  readonly #shipped: PolicyFiles;
  readonly #readActive: ReadActive;
  readonly #log: Log;
  #engine: Engine | undefined;
  /** Of the set that is loaded; undefined when none is. */
  #loaded: number | undefined;
  #wanted = 0;
  #loading: Promise<void> | undefined;

  constructor(shipped: PolicyFiles, readActive: ReadActive, log: Log) {
    this.#shipped = shipped;
    this.#readActive = readActive;
    this.#log = log;
  }

  /** The number of the newest activation, as the newest renewal told it. */
  hearOf(activation: number): void {
    if (activation > this.#wanted) this.#wanted = activation;
    if (this.#loaded !== this.#wanted) void this.#load();
  }

  /** Undefined: the policies in force could not be loaded, which denies. */
  inForce(): Engine | Promise<Engine | undefined> | undefined {
    if (this.#loaded === this.#wanted) return this.#engine;
    return this.#load().then(() => (this.#loaded === this.#wanted ? this.#engine : undefined));
  }

  #load(): Promise<void> {
    this.#loading ??= this.#read().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #read(): Promise<void> {
    const wanted = this.#wanted;
    try {
      const active = wanted === 0 ? undefined : await this.#readActive();
      if (wanted > 0 && (active === undefined || active.activation < wanted))
        throw new Error(`activation ${wanted} cannot be read`);
      const set = parsed(active?.files ?? this.#shipped);
      if (active !== undefined && active.version !== set.version)
        throw new Error(`version ${active.version} reads as ${set.version}`);
      if (this.#engine === undefined) this.#engine = new Engine(set, (why) => this.#onFailure(why));
      else this.#engine.load(set);
      this.#wanted = Math.max(this.#wanted, active?.activation ?? 0);
      this.#loaded = active?.activation ?? 0;
      this.#log.info(
        { event: 'policy.loaded', version: set.version, activation: this.#loaded },
        'policies are in force',
      );
    } catch (thrown) {
      this.#loaded = undefined;
      this.#log.error(
        { event: 'policy.not-loaded', activation: wanted, error: String(thrown) },
        'the policies that are in force could not be loaded; every call is denied until they are',
      );
    }
  }

  #onFailure(why: string): void {
    this.#log.error({ event: 'policy.failed', why }, 'the policies could not be evaluated; the call is denied');
  }
}

function parsed(files: PolicyFiles): PolicySet {
  const result = parsePolicySet(files);
  if (result.ok) return result.set;
  throw new Error(result.faults.map(({ file, policy = '', message }) => `${file} ${policy} ${message}`).join('; '));
}
