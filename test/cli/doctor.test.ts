import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { exitCodeOfFindings, finding } from '../../src/cli/doctor/finding.ts';
import { judgeConnectors, judgeDiagnosis } from '../../src/cli/doctor/judge-diagnosis.ts';
import { judgeGateway } from '../../src/cli/doctor/judge-gateway.ts';
import type { ConnectorReadiness } from '../../src/contract/http/connectors.ts';
import type { Diagnosis } from '../../src/contract/http/diagnosis.ts';
import { type CliRig, makeCliRig, type Ran } from './rig.ts';

const now = Date.parse('2026-11-21T06:00:00.000Z');
const at = (ms: number): string => new Date(now + ms).toISOString();
type StoreState = NonNullable<Diagnosis['store']>;
const store: StoreState = {
  version: '18.4',
  now: at(0),
  migrations: 21,
  migrationsWanted: 21,
  fsync: true,
  fullPageWrites: true,
  synchronousCommit: 'on',
  synchronousStandbys: 'ANY 1 (b)',
  isReplica: false,
  beatAgeMs: 500,
  drainAgeMs: 10_000,
  gateways: [{ gatewayId: 'gw_test_1', address: '10.0.0.1:7702', leaseMs: 2_500, confirmedEpoch: 4 }],
};
const sound: Diagnosis = {
  version: '1.0.0',
  environment: 'test',
  now: at(0),
  store,
  temporal: { version: '1.30' },
  identityProvider: 'answers',
  notifications: { endpoints: 2, failedLately: 0, failing: [] },
};
const judge = (diagnosis: Diagnosis, isLocal = false) =>
  judgeDiagnosis(diagnosis, { isLocal, ownVersion: '1.0.0', now });
const healthOf = (changes: Partial<StoreState>): readonly string[] =>
  judge({ ...sound, store: { ...store, ...changes } })
    .filter(({ health }) => health !== 'ok')
    .map(({ health }) => health);

describe('what estop doctor makes of an installation', () => {
  it('finds nothing in one that is sound', () => {
    expect(judge(sound).filter(({ health }) => health !== 'ok')).toEqual([]);
    expect(exitCodeOfFindings(judge(sound))).toBe(0);
  });

  it.each<[string, Partial<StoreState>, string]>([
    ['fsync off', { fsync: false }, 'bad'],
    ['synchronous_commit off', { synchronousCommit: 'off' }, 'bad'],
    ['full_page_writes off', { fullPageWrites: false }, 'weak'],
    ['no standby', { synchronousStandbys: '' }, 'weak'],
    ['a replica', { isReplica: true }, 'bad'],
    ['migrations that were not run', { migrations: 20 }, 'bad'],
    ['a store newer than the program', { migrations: 22 }, 'bad'],
    ['a latch that does not commit', { beatAgeMs: 3_000 }, 'bad'],
    ['an intake that nobody reads', { drainAgeMs: 120_000 }, 'bad'],
    ['no gateway', { gateways: [] }, 'bad'],
    ['a clock that is off by seconds', { now: at(2_500) }, 'weak'],
    ['a clock that is off by minutes', { now: at(-600_000) }, 'bad'],
  ])('names %s', (_what, changes, health) => {
    expect(healthOf(changes)).toEqual([health]);
  });

  it('names what is away, another version, no identity provider and people who were not told', () => {
    const health = (diagnosis: Diagnosis): readonly string[] =>
      judge(diagnosis)
        .map((one) => one.health)
        .filter((one) => one !== 'ok');
    expect(health({ ...sound, store: null })).toEqual(['bad']);
    expect(health({ ...sound, temporal: null })).toEqual(['bad']);
    expect(health({ ...sound, version: '2.0.0' })).toEqual(['weak']);
    expect(health({ ...sound, identityProvider: 'none' })).toEqual(['weak']);
    expect(health({ ...sound, identityProvider: 'away' })).toEqual(['weak']);
    expect(health({ ...sound, notifications: { endpoints: 1, failedLately: 3, failing: [] } })).toEqual(['weak']);
    expect(health({ ...sound, notifications: { endpoints: 1, failedLately: null, failing: [] } })).toEqual(['unknown']);
    expect(health({ ...sound, notifications: { endpoints: 1, failedLately: 0, failing: ['pager'] } })).toEqual([
      'weak',
    ]);
    expect(health({ ...sound, now: at(-90_000), store: { ...store, now: at(-90_000) } })).toEqual(['bad']);
  });

  it('takes no standby and no identity provider for a weakness where all is on one machine', () => {
    const local = judge({ ...sound, identityProvider: 'none', store: { ...store, synchronousStandbys: '' } }, true);
    expect(exitCodeOfFindings(local)).toBe(0);
  });

  it('says of every connector whether it could cut off now', () => {
    const base = {
      system: 'postgres',
      checkedAt: null,
      since: null,
      tookMs: null,
      agents: [],
      liveGrants: 0,
      heldBy: [],
      endedBy: [],
      openObligations: 0,
      needsHuman: 0,
      lastProvedAt: null,
      lastDrill: null,
      drillProvedAt: null,
      drillEveryMs: null,
    };
    const when = '2026-01-01T00:00:00.000Z';
    const failed = {
      taskId: 't',
      state: 'failed',
      askedBy: 'olga',
      scheduled: false,
      askedAt: when,
      finishedAt: when,
      why: null,
      evidence: null,
      issueMs: null,
      cutMs: null,
      proveMs: null,
    } as const;
    const hourMs = 3_600_000;
    const drilled = [
      { drillEveryMs: hourMs, drillProvedAt: '2025-12-31T22:30:00.000Z' },
      { drillEveryMs: hourMs, drillProvedAt: '2025-12-31T21:30:00.000Z' },
      // By hand alone, however long ago.
      { drillEveryMs: null, drillProvedAt: '2020-01-01T00:00:00.000Z' },
      { drillEveryMs: hourMs, lastDrill: { ...failed, state: 'impossible' as const } },
      { drillEveryMs: hourMs, lastDrill: { ...failed, state: 'asked' as const } },
    ];
    const connectors: readonly ConnectorReadiness[] = [
      { ...base, connectorId: 'a', ready: 'yes', findings: [] },
      { ...base, connectorId: 'b', ready: 'no', findings: ['the role may not be dropped'] },
      { ...base, connectorId: 'c', ready: 'unknown', findings: [] },
      { ...base, connectorId: 'd', ready: 'yes', findings: [], lastDrill: failed },
      ...drilled.map((changes) => ({ ...base, connectorId: 'e', ready: 'yes' as const, findings: [], ...changes })),
    ];
    const findings = judgeConnectors(connectors, Date.parse(when));
    expect(findings.map(({ health }) => health)).toEqual([
      'ok',
      'bad',
      'unknown',
      'weak',
      'ok',
      'weak',
      'ok',
      'weak',
      'ok',
    ]);
    expect(findings[1]?.says).toContain('the role may not be dropped');
  });

  it('says of a gateway whether it admits calls, and how far its clock is off', () => {
    const judged = (status: number, body: Readonly<Record<string, unknown>>) =>
      judgeGateway('http://gw', { kind: 'answered', status, body }).map(({ part, health, says }) => [
        part,
        health,
        says,
      ]);
    const differ = (ms: string) => `the gateway and the store differ by ${ms}`;
    expect(judged(200, { status: 'ok', clockAheadMs: 12 })).toEqual([
      ['gateway', 'ok', 'http://gw: admits calls'],
      ['clock', 'ok', differ('0.0 s')],
    ]);
    // Whether it admits anything is not known then: tokens that were made a moment ago may be of the future to it.
    expect(judged(200, { clockAheadMs: -600_000 })).toEqual([
      ['gateway', 'weak', 'http://gw: ready, by a clock to which tokens may be of another time'],
      ['clock', 'bad', differ('600.0 s')],
    ]);
    expect(judged(503, { why: 'no-lease', clockAheadMs: -600_000 })).toEqual([
      ['gateway', 'bad', 'http://gw: no-lease'],
      ['clock', 'bad', differ('600.0 s')],
    ]);
    // One that is older says nothing of it.
    expect(judged(503, { why: 'draining' })).toEqual([['gateway', 'bad', 'http://gw: draining']]);
  });

  it('ends with 1 for what is broken, 3 for what is weak or unknown, 0 else', () => {
    expect(exitCodeOfFindings([finding('a', 'ok', ''), finding('a', 'note', '')])).toBe(0);
    expect(exitCodeOfFindings([finding('a', 'weak', '')])).toBe(3);
    expect(exitCodeOfFindings([finding('a', 'unknown', '')])).toBe(3);
    expect(exitCodeOfFindings([finding('a', 'weak', ''), finding('a', 'bad', '')])).toBe(1);
  });
});

describe('estop doctor', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig();
  });
  interface Said {
    readonly exitCode: number;
    readonly findings: readonly { readonly part: string; readonly health: string; readonly says: string }[];
  }
  const said = ({ stdout }: Ran): Said => JSON.parse(stdout) as Said; // printed from exactly this
  const partsOf = (ran: Ran, health: string): readonly string[] =>
    said(ran)
      .findings.filter((one) => one.health === health)
      .map(({ part }) => part);

  it('looks at the stop process, control and the store, and says what is away', async () => {
    const ran = await rig.run(['doctor', '--json'], { env: { ESTOP_GATEWAY_URL: 'http://127.0.0.1:1' } });
    // How well they are is the machine's business; that they were looked at is not.
    const parts = said(ran).findings.map(({ part }) => part);
    expect(parts).toEqual(expect.arrayContaining(['stop', 'control', 'store', 'latch', 'clock', 'intake']));
    expect(partsOf(ran, 'ok')).toEqual(expect.arrayContaining(['control', 'store']));
    expect(partsOf(ran, 'bad')).toContain('gateway');
    expect(said(ran).exitCode).toBe(1);
    expect(ran.code).toBe(1);
    expect(ran.stdout).not.toContain(rig.tokens.operator);
  });

  it('works while control is away, and says who could say more', async () => {
    const ran = await rig.run(['doctor', '--json', '--control-url', 'http://127.0.0.1:1']);
    expect(partsOf(ran, 'ok')).toContain('stop');
    expect(partsOf(ran, 'bad')).toContain('control');
    expect(partsOf(ran, 'unknown')).toEqual(['store', 'gateways', 'connectors', 'notifications']);
  });

  it('works with nothing there at all, and names the way that is left', async () => {
    const away = 'http://127.0.0.1:1';
    const ran = await rig.run(['doctor', '--control-url', away, '--stop-url', away]);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain('estop stop .. --direct');
  });

  it('says without a token of an operator what that token could see', async () => {
    const ran = await rig.run(['doctor', '--json'], { env: { ESTOP_TOKEN: rig.tokens.viewer } });
    expect(partsOf(ran, 'unknown')).toContain('control');
  });

  it('takes no wait for one answer for a clock that is off', async () => {
    // What the real one says, and of the connectors later than of all else.
    const slow = createServer((request, response) => {
      void (async () => {
        const { authorization = '' } = request.headers;
        const answer = await fetch(new URL(request.url ?? '/', rig.control.url), { headers: { authorization } });
        if (request.url === '/v1/connectors') await pause(2_500);
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
      })();
    });
    await new Promise<void>((resolve) => void slow.listen(0, '127.0.0.1', resolve));
    const { port } = slow.address() as AddressInfo; // it listens on TCP
    const ran = await rig.run(['doctor', '--json', '--control-url', `http://127.0.0.1:${port}`]);
    slow.close();
    const clock = said(ran).findings.find(({ says }) => says.startsWith('this machine and control'));
    expect(clock).toMatchObject({ health: 'ok' });
  });
});
