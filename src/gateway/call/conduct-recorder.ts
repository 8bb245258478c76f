import type { ConfigSource } from '../../contract/config.ts';
import type { Log } from '../../contract/identity.ts';
import { errorCodeOf } from '../../core/errors.ts';
import { agentKey } from '../../core/scope-key.ts';
import type { SeenConduct, SeenRepeat } from '../../store/conduct.ts';
import type { Denial } from '../passage.ts';
import { conductOf, type Noted, type Observation } from './conduct-of.ts';
import type { LedgerPort } from './ledger-port.ts';

/** Counts for the breakers, of every request that says something of its agent, also where ADMIT was never reached. */
export interface ConductNoter {
  note(noted: Noted, denial: Denial | undefined): void;
}

type Send = (seen: readonly SeenConduct[], repeats: readonly SeenRepeat[]) => Promise<void>;

const flushMs = 500;
/** Counts that are older than this and still not written are counts that no breaker sees. */
const behindMs = 10_000;
/** Of one agent. One that makes more different calls than this within the hour is seen by its rate. */
const mostDigests = 2_000;
const digestLifeMs = 3_600_000;

type Counts = { -readonly [Key in keyof SeenConduct]: SeenConduct[Key] };
interface Digest {
  count: number;
  unsent: number;
  lastAt: number;
}

/**
 * Adds up here and writes twice a second, so that no call waits for a counter. Killed, it loses half a second of counts. A call is
 * reported as repeated from its second time on: through several gateways, one of each is not counted.
 */
export class ConductRecorder implements ConductNoter {
  readonly #send: Send;
  readonly #log: Log;
  readonly #now: () => number;
  #seen = new Map<string, Counts>();
  readonly #digests = new Map<string, Map<string, Digest>>();
  #repeats: { readonly agentId: string; readonly digest: string; readonly entry: Digest }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #waitsSince: number | undefined;
  #hasTrouble = false;

  constructor(send: Send, log: Log, now: () => number = () => performance.now()) {
    this.#send = send;
    this.#log = log;
    this.#now = now;
  }

  /** Counting must never decide a call: whatever goes wrong here is written down and nothing else. */
  note(noted: Noted, denial: Denial | undefined): void {
    try {
      const observation = conductOf(noted, denial);
      if (observation !== undefined) this.add(observation);
    } catch (thrown) {
      this.#log.error({ event: 'conduct.lost', error: String(thrown) }, 'a request could not be counted');
    }
  }

  add(observation: Observation): void {
    const { agentId, toolKey } = observation;
    const key = `${agentId} ${toolKey}`;
    let counts = this.#seen.get(key);
    if (counts === undefined) {
      counts = { agentId, toolKey, calls: 0, errors: 0, denied: 0, beyond: 0, overBudget: 0, risk: 0, microcents: 0 };
      this.#seen.set(key, counts);
    }
    counts.calls += observation.made ? 1 : 0;
    counts.errors += observation.failed ? 1 : 0;
    counts.denied += observation.denied ? 1 : 0;
    counts.beyond += observation.beyond ? 1 : 0;
    counts.overBudget += observation.overBudget ? 1 : 0;
    counts.risk += observation.risk;
    counts.microcents += observation.microcents;
    if (observation.digest !== undefined) this.#repeat(agentId, Buffer.from(observation.digest).toString('hex'));
    this.#waitsSince ??= this.#now();
    this.#timer ??= setTimeout(() => void this.flush(), flushMs).unref();
  }

  /** True: what agents do is not getting to where it is judged. */
  isBehind(): boolean {
    return this.#waitsSince !== undefined && this.#now() - this.#waitsSince > behindMs;
  }

  /** Until everything that waits now is written, or could not be. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#sending;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
      if (this.#seen.size > 0) this.#timer ??= setTimeout(() => void this.flush(), flushMs).unref();
    });
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    const [seen, repeats, since] = [this.#seen, this.#repeats, this.#waitsSince];
    if (seen.size === 0) return;
    [this.#seen, this.#repeats] = [new Map(), []];
    this.#waitsSince = undefined;
    const counted = repeats.map(({ agentId, digest, entry }) => {
      const calls = entry.unsent;
      entry.unsent = 0;
      return { agentId, digest, calls };
    });
    try {
      await this.#send(
        [...seen.values()],
        counted.filter(({ calls }) => calls > 0),
      );
      this.#hasTrouble = false;
    } catch (thrown) {
      // It may have been written all the same: counted twice is better than not at all.
      this.#waitsSince = since;
      for (const [key, counts] of seen) this.#putBack(key, counts);
      repeats.forEach((one, index) => {
        one.entry.unsent += counted[index]?.calls ?? 0;
      });
      this.#repeats.push(...repeats);
      if (!this.#hasTrouble)
        this.#log.warn(
          { event: 'conduct.trouble', code: errorCodeOf(thrown) },
          'counts for the breakers could not be written',
        );
      this.#hasTrouble = true;
    }
  }

  #putBack(key: string, old: Counts): void {
    const counts = this.#seen.get(key);
    if (counts === undefined) return void this.#seen.set(key, old);
    for (const name of ['calls', 'errors', 'denied', 'beyond', 'overBudget', 'risk', 'microcents'] as const)
      counts[name] += old[name];
  }

  #repeat(agentId: string, digest: string): void {
    const at = this.#now();
    let known = this.#digests.get(agentId);
    if (known === undefined) this.#digests.set(agentId, (known = new Map()));
    const before = known.get(digest);
    const entry =
      before !== undefined && at - before.lastAt < digestLifeMs ? before : { count: 0, unsent: 0, lastAt: at };
    // Moved to the end: the one that was not repeated for longest is forgotten first.
    known.delete(digest);
    known.set(digest, entry);
    const oldest = known.size > mostDigests ? known.keys().next().value : undefined;
    if (oldest !== undefined) known.delete(oldest);
    entry.lastAt = at;
    entry.count += 1;
    if (entry.count < 2) return;
    // The second time tells of the first as well.
    if (entry.unsent === 0) this.#repeats.push({ agentId, digest, entry });
    entry.unsent += entry.count === 2 ? 2 : 1;
  }
}

/** ADMIT, for agents whose breakers act, only while this gateway's counts get to where they are judged. */
export function watchedLedger(
  ledger: LedgerPort,
  recorder: Pick<ConductRecorder, 'isBehind'>,
  config: ConfigSource,
): LedgerPort {
  const mustBeWatched = (keys: readonly string[]): boolean =>
    config
      .current()
      .agents.some(
        ({ agentId, breakers = [] }) =>
          breakers.some(({ action }) => action === 'hold' || action === 'stop') && keys.includes(agentKey(agentId)),
      );
  return {
    ...ledger,
    admit: async (request) =>
      recorder.isBehind() && mustBeWatched(request.keys)
        ? { kind: 'denied', reason: 'unwatched' }
        : ledger.admit(request),
  };
}
