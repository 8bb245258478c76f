import type { Log } from '../../contract/identity.ts';
import { errorCodeOf } from '../../core/errors.ts';
import type { Known, Spent } from '../../policy/request.ts';
import type { TaskStanding } from '../../store/spent.ts';

/** What policies are told of a task besides the call itself. */
export type Standing = Required<Pick<Known, 'purpose' | 'spend'>>;

interface Held {
  readonly standing: Standing;
  readonly at: number;
}

/** As it is for so long; then it is read again beside the call; and beyond the second a call waits for it. */
const freshMs = 1_000;
const oldestMs = 5_000;
const mostHeld = 20_000;

/** Asked only where a policy in force looks at it. What cannot be read is missing, and that denies there. */
export class TaskStandings {
  readonly #read: (taskId: string) => Promise<TaskStanding | undefined>;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #held = new Map<string, Held>();
  readonly #reading = new Map<string, Promise<Standing | undefined>>();

  constructor(
    read: (taskId: string) => Promise<TaskStanding | undefined>,
    log: Log,
    now: () => number = () => performance.now(),
  ) {
    this.#read = read;
    this.#log = log;
    this.#now = now;
  }

  of(taskId: string): Standing | Promise<Standing | undefined> {
    const held = this.#held.get(taskId);
    const age = held === undefined ? Number.POSITIVE_INFINITY : this.#now() - held.at;
    if (held !== undefined && age < freshMs) return held.standing;
    const reading = this.#reading.get(taskId) ?? this.#readNow(taskId);
    return held !== undefined && age < oldestMs ? held.standing : reading;
  }

  #readNow(taskId: string): Promise<Standing | undefined> {
    // As old as the moment in which it was asked for.
    const at = this.#now();
    const reading = this.#read(taskId)
      .then((known) => {
        if (known === undefined) return undefined;
        const standing = { purpose: known.purpose, spend: { task: spentOf(known.task), agent: spentOf(known.agent) } };
        this.#held.delete(taskId);
        this.#held.set(taskId, { standing, at });
        const oldest = this.#held.size > mostHeld ? this.#held.keys().next().value : undefined;
        if (oldest !== undefined) this.#held.delete(oldest);
        return standing;
      })
      .catch((thrown: unknown) => {
        this.#log.warn(
          { event: 'standing.unknown', task: taskId, code: errorCodeOf(thrown) },
          'what a task was started for and has spent cannot be read',
        );
        return undefined;
      })
      .finally(() => this.#reading.delete(taskId));
    this.#reading.set(taskId, reading);
    return reading;
  }
}

/** A part of a cent counts as one: never less than was spent. */
const spentOf = ({ calls, tokens, microcents }: TaskStanding['task']): Spent => ({
  calls,
  tokens,
  cents: Math.ceil(microcents / 1_000_000),
});
