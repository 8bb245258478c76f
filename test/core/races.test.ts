import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deadBy } from '../../src/core/credential.ts';
import { type GrantLife, intended, onGrant } from '../../src/core/grant.ts';
import { type CauseLife, isActedOn, onLane, openLane } from '../../src/core/obligation.ts';
import { marksOf, noStops, onStop, type StopBook } from '../../src/core/stop.ts';
import { judgeCall, register } from '../../src/core/task.ts';

/** Guards that a saboteur takes out; each must be missed. */
type Guard = 'recheck' | 'stops-last' | 'intended-first' | 'hand-over-check' | 'uncovered';

/** What the machines are composed into: one agent, one issuer, one gateway, and whoever may interleave with them. */
interface World {
  book: StopBook;
  grant: GrantLife | undefined;
  cause: CauseLife;
  /** At the issuer. */
  live: boolean;
  acknowledged: number | undefined;
  proved: boolean;
  readonly faults: string[];
}

const keys = ['fleet', 'agent:a', 'task:1'];
const credential = { keys, epoch: 0 };

async function mint(world: World, tick: (label: string) => Promise<void>, without: Guard | undefined): Promise<void> {
  const view = () => ({
    dead: deadBy(credential, marksOf(world.book)) !== undefined,
    taskClosed: false,
    taskHeld: false,
    pastEnd: false,
  });
  await tick('mint looks');
  if (view().dead) return;
  if (without !== 'intended-first') {
    await tick('intent commits');
    world.grant = intended;
  }
  await tick('mint looks again');
  if (without !== 'recheck' && world.grant !== undefined) {
    const step = onGrant(world.grant, { kind: 'recheck' }, view());
    world.grant = step.grant;
    if (step.answer !== 'issue') return;
  }
  await tick('issuer issues');
  world.live = true;
  await tick('issued commits');
  const step = onGrant(world.grant ?? intended, { kind: 'answered' }, view());
  world.grant = step.grant;
  await tick('hand-over');
  const handed =
    without === 'hand-over-check' ? 'handed-over' : onGrant(world.grant, { kind: 'hand-over' }, view()).answer;
  if (handed === 'handed-over' && world.acknowledged !== undefined)
    world.faults.push('a credential was handed over after the acknowledgement');
}

async function revoke(world: World, tick: (label: string) => Promise<void>, without: Guard | undefined): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    await tick('revoker polls');
    if (world.acknowledged === undefined) continue;
    if (world.grant !== undefined && world.grant.state !== 'ended' && world.cause.lanes.length === 0)
      world.cause = { ...world.cause, lanes: [openLane('g')] };
    if (world.cause.lanes.length === 0) continue;
    await tick('cut');
    // A cut of a mere intent cannot be followed by an issue once the mint was refused or has answered.
    if (world.grant?.state !== 'intended') {
      world.live = false;
      world.cause = onLane(world.cause, 'g', { kind: 'cut', round: 0, at: round + 1 }).cause;
    }
  }
  await tick('review');
  const uncovered = world.grant !== undefined && world.grant.state !== 'ended' && world.cause.lanes.length === 0;
  world.proved = world.acknowledged !== undefined && isActedOn(world.cause) && (without === 'uncovered' || !uncovered);
}

async function run(scheduler: fc.Scheduler, without?: Guard): Promise<World> {
  const world: World = {
    book: noStops,
    grant: undefined,
    cause: { lastProbe: true, lanes: [] },
    live: false,
    acknowledged: undefined,
    proved: false,
    faults: [],
  };
  const tick = (label: string): Promise<void> => scheduler.schedule(Promise.resolve(), label);
  const stopper = async (): Promise<void> => {
    await tick('latch');
    world.book = onStop(world.book, { kind: 'latch', stopId: 's', scopeKey: 'agent:a' }).book;
    world.acknowledged = world.book.epoch;
  };
  const all = [mint(world, tick, without), stopper(), revoke(world, tick, without)];
  await scheduler.waitFor(Promise.all(all));
  if (world.proved && world.live) world.faults.push('a credential is alive after the stop was proved');
  if (world.live && world.grant === undefined) world.faults.push('a credential is alive that the ledger does not know');
  return world;
}

/** A call that waits for a lock while others go on; its stop check comes after the wait, or (sabotaged) before it. */
async function admit(scheduler: fc.Scheduler, without?: Guard): Promise<readonly string[]> {
  const faults: string[] = [];
  let book = noStops;
  let acknowledged = false;
  let locked = true;
  const task = register('1', keys, 0, []);
  if (task.kind !== 'registered') throw new Error('nothing stops it yet');
  const judge = (): string => judgeCall([task.task], ['tool:mail/send'], 0, marksOf(book));
  const tick = (label: string): Promise<void> => scheduler.schedule(Promise.resolve(), label);
  const caller = async (): Promise<void> => {
    await tick('admit begins');
    const early = judge();
    let begunAfterAcknowledgement = acknowledged;
    for (let waits = 0; locked && waits < 20; waits += 1) await tick('waits for the lock');
    begunAfterAcknowledgement ||= acknowledged;
    const answer = without === 'stops-last' ? early : judge();
    if (answer === 'allow' && begunAfterAcknowledgement) faults.push('allowed after the acknowledgement');
  };
  const stopper = async (): Promise<void> => {
    await tick('latch');
    book = onStop(book, { kind: 'latch', stopId: 's', scopeKey: 'agent:a' }).book;
    acknowledged = true;
  };
  const holder = async (): Promise<void> => {
    await tick('lock is let go');
    locked = false;
  };
  await scheduler.waitFor(Promise.all([caller(), stopper(), holder()]));
  return faults;
}

const property = (work: (scheduler: fc.Scheduler) => Promise<readonly string[]>) =>
  fc.asyncProperty(fc.scheduler(), async (scheduler) => {
    expect(await work(scheduler)).toEqual([]);
  });

const fixed = { seed: 20_261_120, numRuns: 2_000 };

describe('whatever the order in which things happen', () => {
  it('a mint that races a stop leaves nothing alive that is not on record, and hands over nothing after the acknowledgement', async () => {
    await fc.assert(
      property(async (scheduler) => (await run(scheduler)).faults),
      fixed,
    );
  });

  it.each(['recheck', 'intended-first', 'hand-over-check', 'uncovered'] as const)(
    'without %s that is caught',
    async (guard) => {
      const found = await fc.check(
        property(async (scheduler) => (await run(scheduler, guard)).faults),
        fixed,
      );
      expect(found.failed).toBe(true);
    },
  );

  it('a call whose stop check begins after the acknowledgement is not admitted (K2)', async () => {
    await fc.assert(
      property((scheduler) => admit(scheduler)),
      fixed,
    );
  });

  it('a call that looks at the stops before it waits for its locks is caught', async () => {
    const found = await fc.check(
      property((scheduler) => admit(scheduler, 'stops-last')),
      fixed,
    );
    expect(found.failed).toBe(true);
  });
});
