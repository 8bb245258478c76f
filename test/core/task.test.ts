import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deadBy } from '../../src/core/credential.ts';
import { marksOf, noStops, onStop, type StopBook, type StopEvent } from '../../src/core/stop.ts';
import { judgeCall, onTask, register, type TaskEvent, type TaskLife } from '../../src/core/task.ts';
import { anyStopEvent } from './arbitrary.ts';

/** The system: a book of stops and the tasks ever registered, each under its parent. */
interface System {
  book: StopBook;
  readonly tasks: Map<string, { life: TaskLife; readonly parent: string | undefined }>;
}

/** What K7 says, kept apart from the machines: who was ever seen dead by a stop younger than it. */
interface Model {
  readonly dead: Set<string>;
  registrations: number;
}

const line = (system: System, taskId: string): [TaskLife, ...TaskLife[]] => {
  const found = system.tasks.get(taskId);
  if (found === undefined) throw new Error(`no task ${taskId}`);
  return found.parent === undefined ? [found.life] : [found.life, ...line(system, found.parent)];
};

function observe(model: Model, system: System): void {
  const stops = marksOf(system.book);
  for (const [taskId, { life }] of system.tasks) {
    const killer = deadBy(life.credential, stops);
    if (killer !== undefined && killer.epoch > life.credential.epoch) model.dead.add(taskId);
    const answer = judgeCall(line(system, taskId), ['tool:mail/send'], life.credential.epoch, stops);
    if (model.dead.has(taskId)) expect(answer).toBe('stopped');
    if (answer === 'allow') expect(deadBy(life.credential, stops)).toBeUndefined();
  }
}

class Order implements fc.Command<Model, System> {
  readonly event: StopEvent;
  constructor(event: StopEvent) {
    this.event = event;
  }
  check(): boolean {
    return true;
  }
  run(model: Model, system: System): void {
    system.book = onStop(system.book, this.event).book;
    observe(model, system);
  }
  toString(): string {
    return JSON.stringify(this.event);
  }
}

class Register implements fc.Command<Model, System> {
  readonly agent: string;
  readonly parent: number | undefined;
  constructor(agent: string, parent: number | undefined) {
    this.agent = agent;
    this.parent = parent;
  }
  check(model: Readonly<Model>): boolean {
    return this.parent === undefined || model.registrations > 0;
  }
  run(model: Model, system: System): void {
    const ids = [...system.tasks.keys()];
    const parentId = this.parent === undefined ? undefined : ids[this.parent % ids.length];
    const parent = parentId === undefined ? undefined : system.tasks.get(parentId)?.life;
    const taskId = String(system.tasks.size);
    const keys = ['fleet', `agent:${this.agent}`, `task:${taskId}`, ...(parent?.credential.keys ?? [])];
    const outcome = register(taskId, keys, system.book.epoch, marksOf(system.book), parent);
    if (parentId !== undefined && model.dead.has(parentId) && parent?.state !== 'closed')
      expect(outcome.kind).toBe('stopped');
    if (outcome.kind === 'registered') {
      system.tasks.set(taskId, { life: outcome.task, parent: parentId });
      model.registrations += 1;
    }
    observe(model, system);
  }
  toString(): string {
    return `register ${this.agent} under ${String(this.parent)}`;
  }
}

class Touch implements fc.Command<Model, System> {
  readonly event: TaskEvent;
  readonly which: number;
  constructor(event: TaskEvent, which: number) {
    this.event = event;
    this.which = which;
  }
  check(model: Readonly<Model>): boolean {
    return model.registrations > 0;
  }
  run(model: Model, system: System): void {
    const taskId = [...system.tasks.keys()][this.which % system.tasks.size];
    const found = taskId === undefined ? undefined : system.tasks.get(taskId);
    if (taskId === undefined || found === undefined) throw new Error('check() lets no empty system through');
    const { task, answer } = onTask(found.life, this.event, marksOf(system.book));
    if (model.dead.has(taskId) && this.event.kind === 'begin') expect(answer).not.toBe('running');
    if (found.life.state === 'closed') expect(task).toBe(found.life);
    if (this.event.kind === 'close') expect(task.state).toBe('closed');
    system.tasks.set(taskId, { ...found, life: task });
    observe(model, system);
  }
  toString(): string {
    return `${this.event.kind} ${this.which}`;
  }
}

describe('tasks', () => {
  it('no path leads from stopped to running without a reset and a new registration (K7)', () => {
    const commands = fc.commands(
      [
        anyStopEvent.map((event) => new Order(event)),
        fc
          .tuple(fc.constantFrom('a', 'b'), fc.option(fc.nat(9), { nil: undefined, freq: 2 }))
          .map(([agent, parent]) => new Register(agent, parent)),
        fc
          .tuple(fc.constantFrom('begin', 'hold', 'release', 'close'), fc.nat(9))
          .map(([kind, which]) => new Touch({ kind }, which)),
      ],
      { maxCommands: 80, size: 'max' },
    );
    fc.assert(
      fc.property(commands, (sequence) => {
        fc.modelRun(
          () => ({ model: { dead: new Set<string>(), registrations: 0 }, real: { book: noStops, tasks: new Map() } }),
          sequence,
        );
      }),
      { numRuns: 400 },
    );
  });

  it('a hold covers the tree below, and a stop is seen through it', () => {
    const stops = onStop(noStops, { kind: 'latch', stopId: 's', scopeKey: 'agent:b' }).book;
    const parent = register('1', ['fleet', 'agent:a', 'task:1'], 0, []);
    const child = register('2', ['fleet', 'agent:a', 'task:1', 'agent:b', 'task:2'], 0, []);
    if (parent.kind !== 'registered' || child.kind !== 'registered') throw new Error('nothing stops them');
    const held = onTask(parent.task, { kind: 'hold' }, []).task;
    expect(judgeCall([child.task, held], [], 0, [])).toBe('held');
    expect(judgeCall([child.task, held], [], 0, marksOf(stops))).toBe('stopped');
    expect(judgeCall([child.task, parent.task], [], 0, [])).toBe('allow');
  });

  it('a token is judged by its own age where it is older than the task', () => {
    const { book } = onStop(noStops, { kind: 'latch', stopId: 's', scopeKey: 'agent:a' });
    const reset = onStop(onStop(book, { kind: 'fenced', stopId: 's' }).book, {
      kind: 'reset',
      stopId: 's',
      actor: 'olga',
    }).book;
    const fresh = register('1', ['agent:a'], reset.epoch, marksOf(reset));
    if (fresh.kind !== 'registered') throw new Error('the reset stop does not cover it');
    expect(judgeCall([fresh.task], [], reset.epoch, marksOf(reset))).toBe('allow');
    expect(judgeCall([fresh.task], [], 0, marksOf(reset))).toBe('stopped');
  });
});
