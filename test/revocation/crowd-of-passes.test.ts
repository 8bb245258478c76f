import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { createConnectorActivities } from '../../src/activities/connector-phase.ts';
import type { ConnectorActivities, CrowdPassed, PassFound } from '../../src/contract/activities.ts';
import { lastPassMs } from '../../src/contract/numbers.ts';
import type { CuttingPhase } from '../../src/contract/phases.ts';
import { getObligation, type ObligationRecord } from '../../src/store/obligations.ts';
import { bindPlaybook } from '../../src/store/playbooks.ts';
import { inActivity } from '../agent-task/in-activity.ts';
import { createDatabase } from '../kit/postgres.ts';
import { type Ledger, makeLedger } from '../store/ledger.ts';
import { stopped } from '../store/stopped-agent.ts';
import { environment, recordingLog, until } from './rig.ts';
import { type Behaviour, startTarget, type Target } from './target.ts';
import { targetConnectors } from './target-connectors.ts';

const phases: readonly CuttingPhase[] = ['fence', 'revoke-credential'];
/** Longer than a crowd stays together. */
const attemptMs = 60_000;
const width = 8;

describe('a crowd of lanes on its first pass', () => {
  let ledger: Ledger;
  let target: Target;
  let activities: ConnectorActivities;
  beforeAll(async () => {
    [ledger, target] = await Promise.all([makeLedger(createDatabase), startTarget()]);
    activities = createConnectorActivities({
      store: ledger.as('estop_revoker'),
      environment,
      sealer: { seal: (plain) => plain, open: (_sealed, key) => new TextEncoder().encode(JSON.stringify({ key })) },
      log: recordingLog().log,
      get: targetConnectors(target.url, {
        connectors: { 'pg-main': { attemptMs, concurrency: width, phases: [...phases, 'purge-queue'] } },
      }).get,
    });
  });

  const keyOf = (lane: string | undefined): string => lane?.split('/')[1] ?? '';
  /** So many lanes of one stop, those at these places behaving so. */
  const openLanes = async (count: number, behaving: Readonly<Record<number, Behaviour>> = {}) => {
    const { lanes, stopId } = await stopped(ledger, count);
    await ledger.sql(
      `UPDATE estop.grants SET handle = jsonb_build_object('key', grant_id) WHERE grant_id IN (SELECT grant_id FROM estop.obligations WHERE cause_id = $1)`,
      [stopId],
    );
    for (const lane of lanes) target.grant(keyOf(lane));
    for (const [place, behaviour] of Object.entries(behaving)) target.behave(keyOf(lanes[Number(place)]), behaviour);
    return { lanes, stopId };
  };
  const pass = (lanes: readonly string[], signal?: AbortSignal, itsPhases = phases): Promise<CrowdPassed> =>
    inActivity(
      () =>
        activities.passLanes({
          connector: 'pg-main',
          phases: itsPhases,
          lanes: lanes.map((obligationId) => ({ obligationId, round: 0 })),
        }),
      signal,
    );
  const foundOf = ({ others }: CrowdPassed, lane: string | undefined): PassFound | undefined =>
    others.find(({ obligationId }) => obligationId === lane)?.found;
  const inLedger = (lanes: readonly string[]): Promise<readonly (ObligationRecord | undefined)[]> =>
    Promise.all(lanes.map((lane) => getObligation(ledger.as('estop_control'), lane)));
  const cutsOf = (lane: string | undefined): number => target.count('cut revoke-credential', keyOf(lane));

  it('is cut and proved together, each of it once, through every phase and by a probe of its own', async () => {
    const { lanes, stopId } = await openLanes(30);
    const passed = await pass(lanes);
    expect(passed.others).toEqual([]);
    expect(passed.proved.toSorted()).toEqual(lanes.toSorted());
    for (const lane of await inLedger(lanes))
      expect(lane).toMatchObject({ state: 'proved', evidence: 'credential-probed', revokedAt: expect.any(String) });
    for (const lane of lanes) {
      for (const phase of phases) expect(target.count(`cut ${phase}`, keyOf(lane))).toBe(1);
      expect(target.count('use now', keyOf(lane))).toBe(1);
    }
    const written = await ledger.sql(
      `SELECT phase, count(*)::integer AS lanes, count(done_at)::integer AS done, max(attempts) AS attempts FROM estop.obligation_phases
       WHERE obligation_id LIKE $1 || '/%' GROUP BY phase ORDER BY phase`,
      [stopId],
    );
    expect(written).toEqual([
      { phase: 'fence', lanes: 30, done: 30, attempts: 1 },
      { phase: 'probe', lanes: 30, done: 0, attempts: 1 },
      { phase: 'revoke-credential', lanes: 30, done: 30, attempts: 1 },
    ]);
  });

  it('asks its system for no more at a time than it bears', async () => {
    let answer = (): void => undefined;
    const answerAfter = new Promise<void>((resolve) => (answer = resolve));
    const all = Array.from({ length: 20 }, (_, index) => [index, { cut: 'healthy', answerAfter } as const] as const);
    const { lanes } = await openLanes(20, Object.fromEntries(all));
    const before = target.lines().length;
    const passing = pass(lanes);
    await until(async () => target.lines().length === before + width);
    answer();
    await passing;
    expect(new Set(target.lines().slice(before, before + width + 1)).size).toBe(width + 1);
  });

  it('keeps the turn of what it has left in hand', async () => {
    let answer = (): void => undefined;
    const answerAfter = new Promise<void>((resolve) => (answer = resolve));
    const slow = Array.from(
      { length: width },
      (_, index) => [index, { cut: 'healthy', answerAfter } as const] as const,
    );
    const { lanes } = await openLanes(width + 1, Object.fromEntries(slow));
    const unwanted = new AbortController();
    const before = target.lines().length;
    const first = pass(lanes.slice(0, width), unwanted.signal);
    await until(async () => target.lines().length === before + width);
    unwanted.abort();
    expect((await first).others.map(({ found }) => found.kind)).toEqual(Array(width).fill('left'));
    const second = pass(lanes.slice(width));
    await sleep(300); // it would have begun by then
    answer();
    expect((await second).proved).toEqual(lanes.slice(width));
    const [row] = await ledger.sql(
      `SELECT (SELECT min(begun_at) FROM estop.obligation_phases WHERE obligation_id = $2) >= (SELECT min(done_at) FROM estop.obligation_phases WHERE obligation_id = ANY ($1)) AS behind`,
      [lanes.slice(0, width), lanes[width]],
    );
    expect(row).toEqual({ behind: true });
  });

  it('leaves one that hangs in hand: the others are proved, and whoever asks for its cut again joins it', async () => {
    let answer = (): void => undefined;
    const answerAfter = new Promise<void>((resolve) => (answer = resolve));
    const { lanes } = await openLanes(30, { 3: { cut: 'healthy', answerAfter } });
    const passed = await pass(lanes);
    const slow = String(lanes[3]);
    expect(foundOf(passed, slow)).toEqual({ kind: 'left' });
    expect(passed.proved.toSorted()).toEqual(lanes.filter((lane) => lane !== slow).toSorted());
    const again = inActivity(() => activities.runPhase({ obligationId: slow, phase: 'fence', round: 0 }));
    answer();
    expect(await again).toEqual({ kind: 'done' });
    expect(target.count('cut fence', keyOf(slow))).toBe(1);
    // What was left is nobody's but whoever's asks next.
    await sleep(300);
    expect(cutsOf(slow)).toBe(0);
    expect(
      await inActivity(() => activities.runPhase({ obligationId: slow, phase: 'revoke-credential', round: 0 })),
    ).toEqual({ kind: 'done' });
    expect(await inActivity(() => activities.probeLane({ obligationId: slow, round: 0 }))).toEqual({ kind: 'proved' });
    expect(cutsOf(slow)).toBe(1);
  }, 30_000);

  it('leaves one in hand whose system then asks for time: whoever takes it on gives it that time', async () => {
    let answer = (): void => undefined;
    const answerAfter = new Promise<void>((resolve) => (answer = resolve));
    const { lanes } = await openLanes(12, { 3: { cut: 'busy', busyMs: 60_000, answerAfter } });
    const busy = String(lanes[3]);
    const cuts = (): number => target.count('cut fence', keyOf(busy));
    const unwanted = new AbortController();
    const passing = pass(lanes, unwanted.signal);
    await until(async () => cuts() === 1);
    unwanted.abort();
    expect(foundOf(await passing, busy)).toEqual({ kind: 'left' });
    answer();
    await until(async () => (await inLedger([busy]))[0]?.nextTryAt !== undefined);
    const alone = () => inActivity(() => activities.runPhase({ obligationId: busy, phase: 'fence', round: 0 }));
    await expect(alone()).rejects.toMatchObject({ retryAfterMs: expect.any(Number) });
    const found = foundOf(await pass([busy]), busy);
    expect(found?.kind === 'failed' && found.retryInMs).toBeGreaterThan(30_000);
    expect(cuts()).toBe(1);
    await ledger.sql('UPDATE estop.obligations SET next_try_at = clock_timestamp() WHERE obligation_id = $1', [busy]);
    expect(await alone()).toEqual({ kind: 'done' });
    expect(cuts()).toBe(2);
  });

  it('parts for one that failed, although another hangs: it is tried again as soon as alone', async () => {
    const { lanes } = await openLanes(30, { 0: { cut: 'hung' }, 20: { cut: 'down' } });
    // Before a clock runs out that was set with it, and is as patient as the crowd is with one that hangs.
    const passed = await Promise.race([pass(lanes), sleep(lastPassMs)]);
    if (passed === undefined) expect.fail('it waited for the one that hangs');
    expect(foundOf(passed, lanes[20])).toEqual({ kind: 'failed', retryInMs: 0 });
    expect(foundOf(passed, lanes[0])).toEqual({ kind: 'left' });
    const [failed] = await inLedger([String(lanes[20])]);
    expect(failed).toMatchObject({ state: 'open', lastError: expect.stringContaining('fence: connector-unavailable') });
  }, 30_000);

  it('is opened again where a cut did not hold, and no other', async () => {
    const { lanes } = await openLanes(30, { 10: { cut: 'lying' } });
    const passed = await pass(lanes);
    expect(foundOf(passed, lanes[10])).toMatchObject({ kind: 'alive' });
    for (const [index, lane] of (await inLedger(lanes)).entries()) {
      if (index === 10) expect(lane).toMatchObject({ state: 'open', round: 1 });
      else
        expect([lane?.round, lane?.state]).toEqual([
          0,
          passed.proved.includes(String(lanes[index])) ? 'proved' : 'open',
        ]);
    }
  });

  it('goes on past one whose next try is far off, which is not tried before that', async () => {
    const { lanes } = await openLanes(30, { 0: { cut: 'refusing' } });
    const passed = await pass(lanes);
    expect(passed.proved).toHaveLength(29);
    const found = foundOf(passed, lanes[0]);
    expect(found?.kind === 'failed' && found.retryInMs).toBeGreaterThan(20_000);
    expect(await inLedger([String(lanes[0])])).toMatchObject([{ needsHuman: expect.any(String) }]);
  });

  it('names what is residual, with its end', async () => {
    const { lanes } = await openLanes(12, { 5: { cut: 'healthy', residualMs: 60_000 } });
    const passed = await pass(lanes);
    expect(passed.proved).toHaveLength(11);
    const [residual] = await inLedger([String(lanes[5])]);
    expect(residual).toMatchObject({ state: 'residual', residualUntil: expect.any(String) });
    expect(foundOf(passed, lanes[5])).toMatchObject({ kind: 'residual' });
  });

  it('proves nothing under an outage that refuses everybody', async () => {
    const { lanes } = await openLanes(12);
    target.outage(true);
    const passed = await pass(lanes).finally(() => target.outage(false));
    expect(passed.proved).toEqual([]);
    for (const lane of await inLedger(lanes)) expect(lane).toMatchObject({ state: 'open', round: 0 });
  });

  it('waits for a person where a playbook says so, and cuts nothing of that phase', async () => {
    const { lanes, stopId } = await openLanes(12);
    await bindPlaybook(ledger.as('estop_revoker'), stopId, {
      playbookId: 'p',
      waits: ['purge-queue'],
      notify: [],
    });
    const passed = await pass(lanes, undefined, ['fence', 'purge-queue']);
    expect(passed.proved).toEqual([]);
    for (const lane of lanes) {
      const found = foundOf(passed, lane);
      expect(found?.kind === 'failed' && found.retryInMs).toBeGreaterThan(5_000);
      expect([target.count('cut fence', keyOf(lane)), target.count('cut purge-queue', keyOf(lane))]).toEqual([1, 0]);
    }
    for (const lane of await inLedger(lanes)) expect(lane?.needsHuman).toContain('waits for a person');
  });

  it('cuts nothing in a round that is over, and says nothing of what is concluded but that', async () => {
    const { lanes } = await openLanes(12);
    await pass(lanes.slice(0, 1));
    await ledger.sql('UPDATE estop.obligations SET round = 2 WHERE obligation_id = $1', [lanes[1]]);
    const passed = await pass(lanes);
    expect(passed.proved).toContain(lanes[0]);
    expect(foundOf(passed, lanes[1])).toMatchObject({ kind: 'alive' });
    expect([cutsOf(lanes[0]), cutsOf(lanes[1])]).toEqual([1, 0]);
  });

  it('parts when its worker ends, with what it has', async () => {
    const hung = Object.fromEntries(Array.from({ length: 6 }, (_, index) => [index, { cut: 'hung' } as const]));
    const { lanes } = await openLanes(60, hung);
    const worker = new AbortController();
    const passing = pass(lanes, worker.signal);
    await until(async () => (await inLedger(lanes.slice(6, 16))).every((lane) => lane?.state === 'proved'));
    worker.abort();
    const passed = await passing;
    expect(passed.proved.length).toBeGreaterThanOrEqual(10);
    for (const lane of lanes.slice(0, 6)) expect(foundOf(passed, lane)).toEqual({ kind: 'left' });
  });
});
