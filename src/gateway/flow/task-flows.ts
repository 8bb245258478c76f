import type { FlowKeys } from '../../contract/flow-keys.ts';
import type { Log } from '../../contract/identity.ts';
import { approve, refuse } from '../../core/flow/answer.ts';
import type { FlowCall } from '../../core/flow/call.ts';
import { judge } from '../../core/flow/judge.ts';
import { observe } from '../../core/flow/observe.ts';
import { applyDelta, emptyDelta, type FlowDelta } from '../../core/flow/task-flow.ts';
import type { SettledCall } from '../../store/calls.ts';
import type { FlowRecord } from '../../store/task-flows.ts';
import type { FlowPort } from './flow-port.ts';
import type { FlowStanding } from './flow-standing.ts';
import { FlowWriter } from './flow-writer.ts';
import { Memory } from './memory.ts';
import { type Outputs, outputsOf } from './outputs.ts';

export interface TaskFlowsParts {
  readonly port: FlowPort;
  readonly keys: FlowKeys;
  readonly log: Log;
  readonly gatewayId: () => string;
  /** A call that is under way here: its answer has gone to nobody yet. */
  readonly isOpenHere: (callId: string) => boolean;
  /** Writes by itself how a call ended. */
  readonly settle: (end: SettledCall) => void;
}

/** Answers that another gateway has just given out are this close to being remembered. */
const patienceMs = 300;
const pollMs = 25;
const lookAgainMs = 1_000;
const believeNotOpenedMs = 5_000;
/** Values and words, of all tasks together: some tens of megabytes. */
const mostWeight = 400_000;
const mostTasks = 20_000;

/** The memory of every task that calls through this gateway: asked before the policy decides, told after the answer went out. */
export class TaskFlows {
  readonly #parts: TaskFlowsParts;
  readonly #writer: FlowWriter;
  /** Of a task, the root of its tree; or until when nobody is taken to have opened it. */
  readonly #roots = new Map<string, { readonly rootId: string } | { readonly notOpenedUntil: number }>();
  readonly #memories = new Map<string, Memory>();
  readonly #loading = new Map<string, Promise<Memory | undefined>>();
  /** Calls whose answers are being taken in, and how each ended once that is known. */
  readonly #ends = new Map<string, SettledCall | undefined>();
  #weight = 0;

  constructor(parts: TaskFlowsParts) {
    this.#parts = parts;
    const { port, log, settle } = parts;
    this.#writer = new FlowWriter({
      port,
      log,
      settle,
      onWritten: (rootId, seq) => this.#memories.get(rootId)?.noteWritten(seq),
    });
  }

  async standing(taskId: string, call: FlowCall): Promise<FlowStanding> {
    try {
      const memory = this.#held(taskId) ?? (await this.#load(taskId));
      if (memory === undefined) return { kind: 'unknown', why: 'not-opened' };
      if (memory.busy > 0) await memory.tail;
      if (memory.missing.size > 0 && Date.now() - memory.lookedAt > lookAgainMs) await this.#look(taskId, memory);
      if (!memory.isComplete) return { kind: 'unknown', why: 'incomplete' };
      return { kind: 'known', judgement: judge(memory.flow, call), seq: memory.seq };
    } catch (thrown) {
      this.#parts.log.warn(
        { event: 'flow.unknown', task: taskId, error: String(thrown) },
        'the memory of a task cannot be read',
      );
      return { kind: 'unknown', why: 'unavailable' };
    }
  }

  /** Has the memory at hand, where there is one. What cannot be read now is known to be missing later. */
  async prepare(taskId: string): Promise<void> {
    if (this.#held(taskId) === undefined) await this.#load(taskId).catch(() => undefined);
  }

  /** Another gateway has learned something: read it, and wait a moment for what it is about to write. */
  async catchUp(taskId: string): Promise<void> {
    const memory = this.#held(taskId);
    if (memory === undefined) return;
    await this.#look(taskId, memory).catch(() => {
      memory.isLost = true;
    });
  }

  /** Returns at once. The next question about this task waits until this is done. */
  observe(taskId: string, callId: string | undefined, call: FlowCall, result: Readonly<Record<string, unknown>>): void {
    const memory = this.#held(taskId);
    // The ledger says that this answer is not remembered: nothing is known of the task from here on.
    if (memory === undefined) return;
    if (callId !== undefined) this.#ends.set(callId, undefined);
    memory.busy += 1;
    memory.tail = memory.tail
      .then(() => new Promise<void>((resolve) => setImmediate(resolve)))
      .then(() => this.#add(memory, learn(memory, call, outputsOf(result)), callId))
      .catch((thrown: unknown) => {
        memory.isLost = true;
        const end = this.#takeEnd(callId);
        if (end !== undefined) this.#parts.settle(end);
        this.#parts.log.error(
          { event: 'flow.unobserved', callId, error: String(thrown) },
          'an answer could not be taken in',
        );
      })
      .finally(() => {
        memory.busy -= 1;
      });
  }

  /** True: how this call ended is written together with what its task has learned from it. */
  takesEnd(end: SettledCall): boolean {
    if (!this.#ends.has(end.callId)) return false;
    this.#ends.set(end.callId, end);
    return true;
  }

  /** What belongs to no call. Whoever says it waits for this: there is no record that it would be missing from. */
  async observeUnasked(taskId: string, call: FlowCall, said: Readonly<Record<string, unknown>>): Promise<boolean> {
    try {
      const memory = this.#held(taskId) ?? (await this.#load(taskId));
      if (memory !== undefined) this.observe(taskId, undefined, call, said);
      return memory === undefined || this.#held(taskId) === memory;
    } catch {
      return false;
    }
  }

  /** A person has answered for this call: what of it is not asked again in its task is written down. */
  answered(taskId: string, said: 'yes' | 'no', standing: FlowStanding | undefined): void {
    const memory = this.#held(taskId);
    if (memory === undefined || standing?.kind !== 'known') return;
    const { findings } = standing.judgement;
    if (findings.length > 0) this.#add(memory, [(said === 'yes' ? approve : refuse)(memory.flow, findings)]);
  }

  async drain(patience: number): Promise<void> {
    await Promise.all([...this.#memories.values()].map(({ tail }) => tail));
    await this.#writer.drain(patience);
  }

  #held(taskId: string): Memory | undefined {
    const root = this.#roots.get(taskId);
    if (root === undefined || !('rootId' in root)) return undefined;
    const memory = this.#memories.get(root.rootId);
    if (memory === undefined) return undefined;
    // The last used is the last to go.
    this.#memories.delete(root.rootId);
    this.#memories.set(root.rootId, memory);
    return memory;
  }

  #load(taskId: string): Promise<Memory | undefined> {
    const root = this.#roots.get(taskId);
    if (root !== undefined && 'notOpenedUntil' in root && Date.now() < root.notOpenedUntil)
      return Promise.resolve(undefined);
    const loading = this.#loading.get(taskId) ?? this.#read(taskId).finally(() => this.#loading.delete(taskId));
    this.#loading.set(taskId, loading);
    return loading;
  }

  async #read(taskId: string): Promise<Memory | undefined> {
    const record = await this.#parts.port.read(taskId, 0);
    if (this.#roots.size >= mostTasks) this.#roots.clear();
    if (record === undefined) {
      this.#roots.set(taskId, { notOpenedUntil: Date.now() + believeNotOpenedMs });
      return undefined;
    }
    this.#roots.set(taskId, { rootId: record.rootId });
    const known = this.#memories.get(record.rootId);
    if (known !== undefined) return known;
    const hash = this.#parts.keys.find(record.keyId, record.rootId);
    if (hash === undefined) throw new Error('the key of this memory is held no longer');
    const memory = new Memory(record.rootId, hash);
    this.#memories.set(record.rootId, memory);
    // Whoever asks meanwhile waits as for an answer of ours.
    memory.busy += 1;
    memory.tail = this.#settle(taskId, memory, record)
      .catch(() => {
        memory.isLost = true;
      })
      .finally(() => {
        memory.busy -= 1;
      });
    await memory.tail;
    this.#weigh(memory);
    return memory;
  }

  async #look(taskId: string, memory: Memory): Promise<void> {
    const record = await this.#parts.port.read(taskId, memory.seq);
    if (record !== undefined) await this.#settle(taskId, memory, record);
    this.#weigh(memory);
  }

  async #settle(taskId: string, memory: Memory, first: FlowRecord): Promise<void> {
    const until = Date.now() + patienceMs;
    let record = first;
    for (;;) {
      memory.take(record);
      memory.lookedAt = Date.now();
      const awaited = record.unobserved.filter((callId) => !this.#isOurs(callId));
      if (awaited.every((callId) => memory.missing.has(callId))) return;
      if (Date.now() >= until) {
        for (const callId of awaited) memory.missing.add(callId);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs));
      record = (await this.#parts.port.read(taskId, memory.seq)) ?? record;
    }
  }

  /** Under way here, or taken in here and still to be written. */
  #isOurs(callId: string): boolean {
    return this.#parts.isOpenHere(callId) || this.#writer.holds({ callId });
  }

  #add(memory: Memory, deltas: readonly FlowDelta[], callId?: string): void {
    const entry = { rootId: memory.rootId, gatewayId: this.#parts.gatewayId(), deltas };
    this.#writer.add(callId === undefined ? entry : { ...entry, callId }, this.#takeEnd(callId));
    this.#weigh(memory);
  }

  #takeEnd(callId: string | undefined): SettledCall | undefined {
    const end = this.#ends.get(callId ?? '');
    this.#ends.delete(callId ?? '');
    return end;
  }

  /** What is put away is read again when it is asked for. */
  #weigh(memory: Memory): void {
    this.#weight += memory.measure();
    for (const [rootId, oldest] of this.#memories) {
      if (this.#weight <= mostWeight) return;
      if (oldest === memory || oldest.busy > 0 || this.#writer.holds({ rootId })) continue;
      this.#memories.delete(rootId);
      this.#weight -= oldest.weight;
    }
  }
}

/** One answer, however many texts it has, is one call. */
function learn(memory: Memory, call: FlowCall, { texts, unreadable }: Outputs): readonly FlowDelta[] {
  const { flow } = memory;
  const before = flow.calls;
  const deltas = (texts.length === 0 ? [''] : texts).map((text) => {
    flow.calls = before;
    return observe(flow, call, text);
  });
  if (!unreadable) return deltas;
  const blind = { ...emptyDelta(before + 1), labels: call.profile.labels, overflow: true };
  applyDelta(flow, blind);
  return [...deltas, blind];
}
