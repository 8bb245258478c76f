import { beforeAll, expect, it } from 'vitest';
import type { AgentSpec, EstopConfig } from '../../src/contract/config.ts';
import { stopSentenceOf } from '../../src/control/stop-sentence.ts';
import type { Playbook } from '../../src/core/playbook.ts';
import { agentKey } from '../../src/core/scope-key.ts';
import { requestApproval } from '../../src/store/approvals.ts';
import { tripBreaker } from '../../src/store/breakers.ts';
import { listNotices } from '../../src/store/notices.ts';
import { listObligations } from '../../src/store/obligations.ts';
import { boundPlaybook, releasePhase } from '../../src/store/playbooks.ts';
import { activatePolicies, activePolicies } from '../../src/store/policies.ts';
import { stopProgress } from '../../src/store/stop-progress.ts';
import { stopTimeline } from '../../src/store/stop-timeline.ts';
import { getStop } from '../../src/store/stops.ts';
import { fireTrigger, judgeAlert } from '../../src/store/triggers.ts';
import { requires } from '../kit/requires.ts';
import { type Rig, startRig, until } from '../revocation/rig.ts';
import { terms } from '../store/calls.ts';
import { digestOf, newId, stopAgent } from '../store/ledger.ts';

const playbook = (changes: Partial<Playbook> = {}): Playbook => ({
  playbookId: 'finance',
  environments: ['test'],
  match: { scopes: [], labels: { team: 'finance' }, triggers: [] },
  category: 1,
  graceMs: 1_000,
  waits: ['purge-queue'],
  notify: [],
  ...changes,
});

requires('temporal')('what follows from an alert or a stop', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
  });
  const configOf = (agents: readonly AgentSpec[], changes: Partial<EstopConfig> = {}): EstopConfig => ({
    environment: 'test',
    trustDomain: 'example.org',
    agents,
    connectors: [],
    toolServers: [],
    models: [],
    ...changes,
  });
  const control = () => rig.ledger.as('estop_control');
  const phases = ['fence', 'revoke-credential', 'purge-queue', 'sweep'] as const;

  it('what an alert asked for is latched by the relay under the name of its trigger, also one that was asked for while nobody ran', async () => {
    const agent = await rig.agent();
    const stopId = newId('stop');
    await fireTrigger(control(), {
      triggerId: 'spend',
      alertId: 'msg_1',
      action: 'stop',
      scopeKey: agentKey(agent.agentId),
      category: 0,
      graceMs: 0,
      reason: 'alert spend.over',
      stopId,
    });
    expect(await getStop(control(), stopId)).toBeUndefined();
    const worker = rig.work({ response: () => configOf([agent]) });
    const stop = await until(() => getStop(control(), stopId));
    await until(
      async () =>
        (await rig.ledger.sql('SELECT latched_at FROM estop.trigger_firings WHERE stop_id = $1', [stopId]))[0]?.[
          'latched_at'
        ] !== null,
    );
    await worker.close();
    expect(stop).toMatchObject({ actor: 'trigger:spend', method: 'trigger', reason: 'alert spend.over' });
  }, 30_000);

  it('a breaker that trips orders by a rule what it would only tell otherwise, once', async () => {
    const agent = await rig.agent();
    const rule = { match: { event: 'budget.ended' }, scope: 'agent:{agent}', action: 'stop' } as const;
    const triggers = [{ triggerId: 'budgets', from: 'ledger', secrets: [], rules: [rule] }] as const;
    const worker = rig.work({ response: () => configOf([agent], { triggers }) });
    await tripBreaker(rig.ledger.as('estop_revoker'), {
      agentId: agent.agentId,
      rule: { breaker: 'over-budget', action: 'warn', most: 0, atLeast: 0, withinMs: 60_000 },
      measured: 3,
      sample: 3,
    });
    const stops = () => rig.ledger.sql('SELECT actor FROM estop.stops WHERE scope_key = $1', [agentKey(agent.agentId)]);
    await until(async () => (await stops()).length > 0);
    await rig.ledger.sql('UPDATE estop.notices SET judged_at = NULL WHERE subject = $1', [agent.agentId]);
    await until(
      async () =>
        (
          await rig.ledger.sql(
            "SELECT 1 FROM estop.notices WHERE subject = $1 AND event = 'budget.ended' AND judged_at IS NOT NULL",
            [agent.agentId],
          )
        ).length === 1,
    );
    await worker.close();
    expect(await stops()).toEqual([{ actor: 'trigger:budgets' }]);
  }, 30_000);

  it.each([
    ['policy.activated', false],
    ['policy.proposed', true],
  ] as const)(
    'a rule about %s stops what it names, under the name of its trigger, once',
    async (event, needsTwo) => {
      const agent = await rig.agent();
      const rule = { match: { event }, scope: agentKey(agent.agentId), action: 'stop' } as const;
      const triggers = [{ triggerId: 'policies', from: 'ledger', secrets: [], rules: [rule] }] as const;
      const files = { 'one.cedar': `// ${agent.agentId}\n` };
      const outcome = await activatePolicies(control(), {
        version: Buffer.from(digestOf(agent.agentId)).toString('hex').slice(0, 16),
        files,
        actor: 'ada',
        reason: 'a test',
        after: (await activePolicies(control()))?.activation ?? 0,
        twoPeople: needsTwo,
      });
      expect(outcome.kind).toBe(needsTwo ? 'needs-second-person' : 'activated');
      const worker = rig.work({ response: () => configOf([agent], { triggers }) });
      const stops = () =>
        rig.ledger.sql('SELECT actor, method FROM estop.stops WHERE scope_key = $1', [agentKey(agent.agentId)]);
      await until(async () => (await stops()).length > 0);
      await rig.ledger.sql('UPDATE estop.notices SET judged_at = NULL WHERE event = $1', [event]);
      const isJudged = async () =>
        (await rig.ledger.sql('SELECT 1 FROM estop.notices WHERE event = $1 AND judged_at IS NULL', [event])).length ===
        0;
      await until(isJudged);
      await worker.close();
      expect(await stops()).toEqual([{ actor: 'trigger:policies', method: 'trigger' }]);
    },
    30_000,
  );

  it('a hold that a trigger made is no reason for another one, a breaker’s own trip is', async () => {
    const agent = await rig.agent();
    const rule = { match: { event: 'breaker.tripped' }, scope: 'agent:{agent}', action: 'stop' } as const;
    const triggers = [{ triggerId: 'breakers', from: 'ledger', secrets: [], rules: [rule] }] as const;
    const worker = rig.work({ response: () => configOf([agent], { triggers }) });
    const held = {
      triggerId: 'spend',
      alertId: newId('req'),
      action: 'hold',
      category: 0,
      graceMs: 0,
      reason: 'x',
    } as const;
    await fireTrigger(control(), { ...held, scopeKey: agentKey(agent.agentId) });
    const judged = (breaker: string) =>
      until(async () => {
        const sql =
          "SELECT 1 FROM estop.notices WHERE subject = $1 AND facts->>'breaker' = $2 AND judged_at IS NOT NULL";
        return (await rig.ledger.sql(sql, [agent.agentId, breaker])).length === 1;
      });
    await judged('trigger');
    const fired = () => rig.ledger.sql("SELECT 1 FROM estop.trigger_firings WHERE trigger_id = 'breakers'");
    expect(await fired()).toEqual([]);
    await tripBreaker(rig.ledger.as('estop_revoker'), {
      agentId: agent.agentId,
      rule: { breaker: 'call-rate', action: 'warn', most: 0, atLeast: 0, withinMs: 60_000 },
      measured: 3,
      sample: 3,
    });
    await judged('call-rate');
    await worker.close();
    expect(await fired()).toHaveLength(1);
  }, 30_000);

  it('an agent that floods people with requests is told of once, and stopped where a rule says so', async () => {
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const rule = { match: { event: 'approval.flood' }, scope: 'agent:{agent}', action: 'stop' } as const;
    const triggers = [{ triggerId: 'floods', from: 'ledger', secrets: [], rules: [rule] }] as const;
    for (let nth = 0; nth < 8; nth += 1)
      await requestApproval(rig.ledger.as('estop_gateway'), {
        approvalId: newId('appr'),
        taskId: task.taskId,
        tokenEpoch: task.epoch,
        toolKey: 'tool:bank/pay',
        digest: digestOf(`call ${nth}`),
        shown: '{}',
        ttlMs: 60_000,
        ...terms,
      });
    const worker = rig.work({ response: () => configOf([agent], { triggers }) });
    const stops = () => rig.ledger.sql('SELECT actor FROM estop.stops WHERE scope_key = $1', [agentKey(agent.agentId)]);
    await until(async () => (await stops()).length > 0);
    await worker.close();
    expect(await stops()).toEqual([{ actor: 'trigger:floods' }]);
    const asked = await rig.ledger.sql(
      "SELECT quiet FROM estop.notices WHERE event = 'approval.asked' AND agents = ARRAY[$1]",
      [agent.agentId],
    );
    expect(asked).toHaveLength(8);
    expect(
      (await listNotices(control(), { subject: agent.agentId })).filter(({ event }) => event === 'approval.flood'),
    ).toHaveLength(1);
  }, 30_000);

  it('a playbook makes a phase wait for a person; the credential is cut all the same, and the rest goes on when it is let go', async () => {
    const agent = await rig.agent({ agentId: 'finance-bot', labels: { team: 'finance' } });
    const grant = await rig.grant(await rig.task(agent));
    const worker = rig.work({
      connectors: { target: { phases } },
      response: () => configOf([agent], { playbooks: [playbook()] }),
    });
    const { stopId } = await stopAgent(rig.ledger, agent);
    const lane = await until(async () => {
      const [first] = (await listObligations(control(), { causeId: stopId })).items;
      return first?.needsHuman === undefined ? undefined : first;
    });
    expect(lane.needsHuman).toContain('purge-queue waits for a person (playbook finance)');
    expect(rig.target.count('cut revoke-credential', grant)).toBe(1);
    expect(rig.target.count('cut purge-queue', grant)).toBe(0);
    const bound = (await stopTimeline(control(), stopId, 50)).find(({ kind }) => kind === 'playbook.bound');
    expect(bound === undefined ? '' : stopSentenceOf(bound)).toBe('goes on by the playbook finance');
    await until(async () => {
      const progress = await stopProgress(control(), stopId);
      return progress?.fencedAt !== undefined && progress.haltedAt !== undefined;
    });
    expect((await stopProgress(control(), stopId))?.revokedAt).toBeUndefined();
    await until(async () =>
      (await listNotices(control(), { subject: stopId })).some(({ event }) => event === 'obligation.needs-human'),
    );
    const release = { stopId, phase: 'purge-queue', actor: 'Olga', reason: 'looked' };
    expect(await releasePhase(control(), { ...release, phase: 'disable-integration' })).toBe('not-waiting');
    expect(await releasePhase(control(), release)).toBe('released');
    expect(await releasePhase(control(), release)).toBe('already');
    await until(async () => (await stopProgress(control(), stopId))?.stage === 'proved');
    await worker.close();
    expect(rig.target.count('cut purge-queue', grant)).toBe(1);
  }, 60_000);

  it('a stop is worked off as it was agreed when it was first seen, and without a playbook nothing waits', async () => {
    const agent = await rig.agent({ agentId: 'ops-bot', labels: { team: 'ops' } });
    const grant = await rig.grant(await rig.task(agent));
    let playbooks: readonly Playbook[] = [
      playbook({ environments: ['prod'], match: { scopes: [], labels: {}, triggers: [] } }),
    ];
    const worker = rig.work({ connectors: { target: { phases } }, response: () => configOf([agent], { playbooks }) });
    const { stopId } = await stopAgent(rig.ledger, agent);
    await until(async () => (await stopProgress(control(), stopId))?.seenAt !== undefined);
    playbooks = [playbook({ match: { scopes: [], labels: {}, triggers: [] } })];
    await until(async () => rig.target.count('cut purge-queue', grant) === 1);
    await worker.close();
    expect(await boundPlaybook(control(), stopId)).toBeUndefined();
  }, 60_000);

  it('a trigger that says nothing about grace takes it from the playbook, and never a stop of another scope', async () => {
    const agent = await rig.agent({ agentId: 'pay-bot', labels: { team: 'finance' } });
    const rules = [{ match: {}, scope: 'agent:{agent}', action: 'stop' }] as const;
    const outcome = await judgeAlert(control(), configOf([agent], { playbooks: [playbook()] }), 'spend', rules, {
      alertId: 'msg_9',
      name: 'spend.over',
      fields: { agent: 'pay-bot' },
    });
    expect(outcome).toMatchObject({ kind: 'fired', scopeKey: 'agent:pay-bot' });
    const [row] = await rig.ledger.sql("SELECT category, grace_ms FROM estop.trigger_firings WHERE alert_id = 'msg_9'");
    expect(row).toEqual({ category: 1, grace_ms: 1_000 });
  });

  it('the store refuses to write down that anything waits which cuts access now', async () => {
    const { stopId } = await stopAgent(rig.ledger, await rig.agent());
    const sql = 'SELECT estop.bind_playbook($1, $2, $3, $4)';
    for (const phase of ['fence', 'terminate', 'revoke-credential', 'sweep', 'halt'])
      await expect(rig.ledger.as('estop_revoker').query(sql, [stopId, 'evil', [phase], []])).rejects.toThrow(
        /waits for nobody/,
      );
  });
});
