import type { Log } from '../../contract/identity.ts';
import { errorCodeOf } from '../../core/errors.ts';
import { modelKey } from '../../core/scope-key.ts';
import type { SeenDenial } from '../../store/denials.ts';
import { callDigest } from '../json/canonical.ts';
import type { Denial } from '../passage.ts';
import { type Noted, refusalOf } from './conduct-of.ts';
import type { ConductNoter } from './conduct-recorder.ts';
import { reachParams } from './connect-reach.ts';

type Waiting = { -readonly [Key in keyof SeenDenial]: SeenDenial[Key] };
interface Minute {
  begun: number;
  told: number;
  /** Refused in this minute, and not told one by one. */
  more: number;
}

const flushMs = 1_000;
/** Of one agent at one gateway. */
const mostInMinute = 60;
/** Of all agents together at one gateway: rows in a minute, and rows that wait for a store that is away. */
const mostOfAll = 600;
const mostWaiting = 2_000;
/** Who is meant where nobody is told apart any more. No agent is called so. */
const everybody = '*';
const minuteMs = 60_000;

/**
 * What was refused, for the record: after the refusal has gone out, a second's worth in one statement. The same refused again is
 * one row; beyond so many in a minute, of one agent or of all, they are counted and no more. Killed, it loses a second of them.
 */
export class DenialRecorder implements ConductNoter {
  readonly #send: (denials: readonly SeenDenial[]) => Promise<void>;
  readonly #log: Log;
  readonly #now: () => number;
  #waiting = new Map<string, Waiting>();
  readonly #minutes = new Map<string, Minute>();
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;

  constructor(
    send: (denials: readonly SeenDenial[]) => Promise<void>,
    log: Log,
    now: () => number = () => performance.now(),
  ) {
    this.#send = send;
    this.#log = log;
    this.#now = now;
  }

  /** Writing down must never decide a call. */
  note(noted: Noted, denial: Denial | undefined): void {
    try {
      const seen = seenDenial(noted, denial);
      if (seen !== undefined) this.add(seen);
    } catch (thrown) {
      this.#log.error({ event: 'denial.lost', error: String(thrown) }, 'a refusal could not be written down');
    }
  }

  add(seen: SeenDenial): void {
    const { taskId, agentId, asked, digest, reason, policies } = seen;
    const key = JSON.stringify([taskId, agentId, asked, digest, reason, policies]);
    const known = this.#waiting.get(key);
    this.#timer ??= setTimeout(() => void this.flush(), flushMs).unref();
    if (known !== undefined) {
      known.times += seen.times;
      return;
    }
    const minute = this.#minuteOf(agentId);
    const full = minute.told >= mostInMinute ? minute : this.#fullForAll();
    if (full !== undefined) {
      full.more += seen.times;
      return;
    }
    minute.told += 1;
    this.#minuteOf(everybody).told += 1;
    this.#waiting.set(key, { ...seen });
  }

  /** What is beyond it is one number, of whomever it was. */
  #fullForAll(): Minute | undefined {
    const all = this.#minuteOf(everybody);
    return all.told >= mostOfAll || this.#waiting.size >= mostWaiting ? all : undefined;
  }

  /** Until everything that waits now is written, or could not be; `whole`: also what was only counted in this minute. */
  async flush(whole = false): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#sending;
    this.#sending ??= this.#sendAll(whole).finally(() => {
      this.#sending = undefined;
      const waits = this.#waiting.size > 0 || [...this.#minutes.values()].some(({ more }) => more > 0);
      if (waits && !whole) this.#timer ??= setTimeout(() => void this.flush(), flushMs).unref();
    });
    await this.#sending;
  }

  #minuteOf(agentId: string): Minute {
    const at = this.#now();
    const known = this.#minutes.get(agentId);
    if (known !== undefined && at - known.begun < minuteMs) return known;
    if (known !== undefined) this.#tellMore(agentId, known);
    const minute = { begun: at, told: 0, more: 0 };
    this.#minutes.set(agentId, minute);
    return minute;
  }

  #tellMore(agentId: string, minute: Minute): void {
    if (minute.more === 0) return;
    const full = agentId === everybody ? undefined : this.#fullForAll();
    if (full !== undefined) {
      full.more += minute.more;
      minute.more = 0;
      return;
    }
    const seen = { agentId, asked: 'more', reason: 'too-many-to-tell', policies: [], times: minute.more };
    minute.more = 0;
    const key = `more ${agentId}`;
    const known = this.#waiting.get(key);
    if (known === undefined) this.#waiting.set(key, seen);
    else known.times += seen.times;
  }

  async #sendAll(whole: boolean): Promise<void> {
    for (const [agentId, minute] of this.#minutes) {
      const isOver = this.#now() - minute.begun >= minuteMs;
      if (agentId === everybody || !(whole || isOver)) continue;
      this.#tellMore(agentId, minute);
      if (isOver) this.#minutes.delete(agentId);
    }
    const all = this.#minutes.get(everybody);
    if (all !== undefined && (whole || this.#now() - all.begun >= minuteMs)) this.#tellMore(everybody, all);
    const batch = [...this.#waiting];
    if (batch.length === 0) return;
    this.#waiting = new Map();
    try {
      await this.#send(batch.map(([, seen]) => seen));
    } catch (thrown) {
      this.#log.warn({ event: 'denial.trouble', code: errorCodeOf(thrown) }, 'refusals could not be written down yet');
      for (const [key, seen] of batch) {
        const known = this.#waiting.get(key);
        if (known === undefined) this.#waiting.set(key, seen);
        else known.times += seen.times;
      }
    }
  }
}

function seenDenial({ asked, facts }: Noted, denial: Denial | undefined): SeenDenial | undefined {
  const { claims, policyVersion, model, tool, reaches = [] } = facts;
  const reason =
    denial?.kind === 'denied' && denial.reason === 'policy-unavailable' ? denial.reason : refusalOf(denial);
  if (claims === undefined || reason === undefined) return undefined;
  const [reach] = reaches;
  const digest =
    facts.digest ?? (reach?.name === undefined ? undefined : callDigest(reach.scopeKey, '', reachParams(reach)));
  return {
    taskId: claims.taskId,
    agentId: claims.agentId,
    asked: tool?.pin.scopeKey ?? (model === undefined ? (reach?.scopeKey ?? asked.kind) : modelKey(model.modelId)),
    ...(digest === undefined ? {} : { digest: Buffer.from(digest).toString('hex') }),
    reason,
    ...(policyVersion === undefined ? {} : { policyVersion }),
    policies: denial?.kind === 'denied' ? (denial.policies ?? []) : [],
    times: 1,
  };
}
