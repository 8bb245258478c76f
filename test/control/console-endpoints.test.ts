import { beforeAll, describe, expect, it } from 'vitest';
import { AgentView } from '../../src/contract/http/agent-view.ts';
import { ApprovalContext } from '../../src/contract/http/approval-context.ts';
import { ConnectorPage } from '../../src/contract/http/connectors.ts';
import { Running } from '../../src/contract/http/running.ts';
import { StopTimeline } from '../../src/contract/http/stop-notes.ts';
import { TaskHistory, TaskPage, TaskTree } from '../../src/contract/http/tasks.ts';
import { requestApproval } from '../../src/store/approvals.ts';
import { noteConnectorCheck } from '../../src/store/connector-checks.ts';
import { askDrill, beginDrill } from '../../src/store/drills.ts';
import { closeTasks } from '../../src/store/tasks.ts';
import { noteTools } from '../../src/store/tool-pins.ts';
import { makeScene, type Scene, sceneConfig } from '../console/scene.ts';
import { terms } from '../store/calls.ts';
import { agentSpec, digestOf, newId, startChild, startTask } from '../store/ledger.ts';
import { type ControlRig, field, makeControl } from './rig.ts';

describe('what the pages of the console ask, and programs as well', () => {
  let rig: ControlRig;
  let scene: Scene;
  const config = sceneConfig();
  beforeAll(async () => {
    rig = (await makeControl(config.agents)).withDeps({ config: { current: () => config } });
    scene = await makeScene(rig.ledger, config);
  });
  const get = async (path: string, as = 'vera@viewer'): Promise<unknown> => {
    const answer = await rig.call('GET', path, { as });
    expect([path, answer.status, answer.text.slice(0, 300)]).toEqual([path, 200, expect.any(String)]);
    return answer.body;
  };

  it('what runs comes with those first that a person should look at, and can be searched', async () => {
    const running = Running.parse(await get('/v1/running'));
    expect(running.items.map(({ agentId }) => agentId).slice(0, 2)).toEqual(['billing-bot', 'research-crawler']);
    expect(running.items[0]).toMatchObject({
      openTasks: 1,
      lately: { calls: 412, denied: 61, microcents: 3_481_000_000 },
      pendingApprovals: 2,
      trips: [{ breaker: 'denied-rate', action: 'warn' }],
      because: expect.arrayContaining(['breaker', 'spend', 'denied']) as string[],
    });
    expect(running).toMatchObject({ agents: 6, tasks: 6, pendingApprovals: 2, matching: 6 });
    expect(running.items.find(({ agentId }) => agentId === 'mail-bot')?.stoppedBy).toBe(scene.stopId);
    const found = Running.parse(await get('/v1/running?search=LINDQVIST'));
    expect([found.agents, found.matching, found.items.map(({ agentId }) => agentId)]).toEqual([6, 1, ['billing-bot']]);
    expect(Running.parse(await get('/v1/running?label=team%3Dbatch&limit=2'))).toMatchObject({
      matching: 3,
      items: [{}, {}],
    });
  });

  it('an agent comes with what it is given and what it can reach', async () => {
    const agent = AgentView.parse(await get('/v1/agents/billing-bot'));
    expect(agent).toMatchObject({ configured: true, owner: 'Maya Lindqvist', mayStart: ['worker-001'] });
    expect(agent.reach.find(({ name }) => name === 'mail/send_mail')).toMatchObject({
      tier: 'write',
      across: 'private',
    });
    expect((await rig.call('GET', '/v1/agents/nobody', { as: 'vera@viewer' })).status).toBe(404);
  });

  it('a list of tasks has no drills that are over, unless they are asked for, and those under way always', async () => {
    const revoker = rig.ledger.as('estop_revoker');
    const drill = async (connectorId: string): Promise<string> => {
      const taskId = newId('task');
      expect(await askDrill(rig.ledger.as('estop_control'), { taskId, connectorId, actor: 'olga' })).toBe('asked');
      expect((await beginDrill(revoker, taskId)).kind).toBe('begun');
      return taskId;
    };
    const [past, underWay] = [await drill('old-crm'), await drill('new-crm')];
    await closeTasks(revoker, [past], 'drill');
    const listed = async (query: string): Promise<readonly string[]> =>
      TaskPage.parse(await get(`/v1/tasks${query}`)).items.map(({ taskId }) => taskId);
    const drillsIn = async (query: string): Promise<readonly string[]> =>
      (await listed(query)).filter((taskId) => taskId === past || taskId === underWay);
    expect(await drillsIn('')).toEqual([underWay]);
    expect((await listed('')).length).toBe(scene.tasks.length + 1);
    expect(await drillsIn('?state=closed')).toEqual([]);
    expect(await drillsIn('?drills=true')).toEqual([underWay, past]);
    expect(await listed('?agent=drill/old-crm')).toEqual([past]);
    // A drill is nobody's work: what runs is counted without it. It is named beside until it is known what it came to.
    const running = Running.parse(await get('/v1/running'));
    expect(running).toMatchObject({ agents: 6, tasks: 6, matching: 6, drills: ['new-crm', 'old-crm'] });
    expect(running.items.filter(({ agentId }) => agentId.startsWith('drill/'))).toEqual([]);
    expect((await listed('?state=open')).length).toBe(7);
    const shown = TaskPage.parse(await get('/v1/tasks?agent=drill/new-crm')).items[0];
    expect(shown).toMatchObject({ kind: 'drill', workflow: { workflowId: `drill/${underWay}` } });
    await closeTasks(revoker, [underWay], 'drill');
    for (const agent of ['drill/', 'drill/a/b', 'drill/UP', 'other/crm'])
      expect([agent, (await rig.call('GET', `/v1/tasks?agent=${agent}`, { as: 'vera@viewer' })).status]).toEqual([
        agent,
        422,
      ]);
  });

  it('a task comes with the whole tree that it belongs to', async () => {
    const [parentSpec, childSpec] = [config.agents[0], config.agents[3]];
    const parent = scene.tasks[0];
    if (parent === undefined || parentSpec === undefined || childSpec === undefined) throw new Error('no scene');
    const child = await startChild(rig.ledger, parent, parentSpec, childSpec);
    const tree = TaskTree.parse(await get(`/v1/tasks/${child.taskId}/tree`));
    expect(tree.items.map(({ taskId, parentTaskId }) => [taskId, parentTaskId])).toEqual([
      [child.taskId, parent.taskId],
      [parent.taskId, null],
    ]);
  });

  it('an approval comes with the facts, with the last one like it, and with why not you', async () => {
    const path = `/v1/approvals/${scene.approvalId}/context`;
    const context = ApprovalContext.parse(await get(path, 'paul@approver'));
    expect(context).toMatchObject({
      mayApprove: true,
      whyNot: null,
      tool: { decidedTier: 'destructive' },
      owner: 'Maya Lindqvist',
      similar: { state: 'approved', decidedBy: 'paul' },
      lately: { approved: 1, denied: 0, pendingOfAgent: 2 },
    });
    expect(ApprovalContext.parse(await get(path, 'rita@approver'))).toMatchObject({ mayApprove: false });
    expect(ApprovalContext.parse(await get(path))).toMatchObject({
      whyNot: 'Deciding needs the role approver or admin.',
    });
  });

  describe('of the highest risk', () => {
    let slow: ControlRig;
    beforeAll(async () => {
      slow = rig.withDeps({ minimumLookMs: 3_000 });
      await noteTools(rig.ledger.as('estop_gateway'), 'desk', [seen('note', 'write'), seen('wipe', 'destructive')]);
    });
    const seen = (tool: string, tier: 'write' | 'destructive') => ({
      tool,
      tier,
      hash: digestOf(tool).reduce((text, byte) => text + byte.toString(16).padStart(2, '0'), ''),
      definition: '{}',
      labels: [],
      because: 'test',
      look: tool,
    });
    async function waiting(toolKey: string, approvers: 1 | 2 = 1): Promise<string> {
      const spec = config.agents.find(({ agentId }) => agentId === 'billing-bot');
      const task = await startTask(rig.ledger, spec ?? agentSpec('billing-bot')); // requested by rita
      const approvalId = newId('appr');
      await requestApproval(rig.ledger.as('estop_gateway'), {
        approvalId,
        taskId: task.taskId,
        tokenEpoch: task.epoch,
        toolKey,
        digest: digestOf(approvalId),
        shown: '{}',
        ttlMs: 60_000,
        ...terms,
        approvers,
      });
      return approvalId;
    }
    const decide = async (approvalId: string, as: string, decision: 'approved' | 'denied' = 'approved') => {
      const body = { decision, reason: 'x' };
      const answer = await slow.call('POST', `/v1/approvals/${approvalId}:decide`, { as, body });
      return answer.status === 200 ? 200 : field(answer.body, 'code');
    };
    const look = async (approvalId: string, as: string): Promise<number> =>
      ApprovalContext.parse((await slow.call('GET', `/v1/approvals/${approvalId}/context`, { as })).body)
        .approvableInMs;
    const threeSecondsPass = () =>
      rig.ledger.sql("UPDATE estop.approval_looks SET shown_at = shown_at - interval '3 seconds'");

    it.each([
      ['a destructive call', 'tool:desk/wipe', 1],
      ['a call that needs two people', 'tool:desk/note', 2],
      ['a call of a tool that nobody knows', 'tool:desk/unheard-of', 1],
    ] as const)('%s is approved only by whoever was shown it for three seconds', async (_what, toolKey, approvers) => {
      const approvalId = await waiting(toolKey, approvers);
      const unseen = await slow.call('POST', `/v1/approvals/${approvalId}:decide`, {
        as: 'paul@approver',
        body: { decision: 'approved' },
      });
      expect([unseen.status, field(unseen.body, 'detail')]).toEqual([
        409,
        expect.stringMatching(/not shown this call/),
      ]);
      const tried = await rig.ledger.sql(
        `SELECT actor, detail ->> 'code' AS code FROM estop.audit WHERE kind = 'request.denied' AND subject LIKE '%' || $1 || '%'`,
        [approvalId],
      );
      expect(tried).toEqual([{ actor: 'paul', code: 'approval-unseen' }]);
      expect(await look(approvalId, 'paul@approver')).toBeGreaterThan(0);
      expect(await decide(approvalId, 'paul@approver')).toBe('approval-unseen');
      await threeSecondsPass();
      expect(await decide(approvalId, 'lena@approver'), 'whom nobody showed it').toBe('approval-unseen');
      expect(await look(approvalId, 'paul@approver'), 'a second look is not a new one').toBe(0);
      expect(await decide(approvalId, 'paul@approver')).toBe(200);
    });

    it('its page says so beside the button, and whoever presses at once is sent back to read, without a script', async () => {
      const path = `/approvals/${await waiting('tool:desk/wipe')}`;
      const as = 'paul@approver';
      const shown = async () => (await slow.call('GET', path, { as, headers: { accept: 'text/html' } })).text;
      expect(await shown()).toContain('it can be approved 3 seconds after');
      const headers = { 'accept': 'text/html', 'content-type': 'application/x-www-form-urlencoded' };
      const press = () => slow.call('POST', path, { as, headers, raw: `once=${'a'.repeat(32)}&decision=approved` });
      const early = await press();
      expect([early.status, early.text]).toEqual([409, expect.stringContaining('Go back, read it')]);
      await threeSecondsPass();
      expect(await shown()).not.toContain('it can be approved');
      expect((await press()).status).toBe(303);
      expect(await shown()).toContain('It is approved');
    });

    it('a denial never waits, and neither does a call of less risk', async () => {
      expect(await decide(await waiting('tool:desk/wipe'), 'paul@approver', 'denied')).toBe(200);
      const mild = await waiting('tool:desk/note');
      expect(await look(mild, 'paul@approver')).toBe(0);
      expect(await decide(mild, 'paul@approver')).toBe(200);
    });

    it('a look by somebody who may not decide, or at what is over, is not written down', async () => {
      const approvalId = await waiting('tool:desk/wipe');
      expect(await look(approvalId, 'vera@viewer')).toBe(0);
      await decide(approvalId, 'paul@approver', 'denied');
      expect(await look(approvalId, 'lena@approver')).toBe(0);
      const looks = await rig.ledger.sql('SELECT 1 FROM estop.approval_looks WHERE approval_id = $1', [approvalId]);
      expect(looks).toEqual([]);
    });
  });

  it('a stop comes with its story: order, stages, what was said about it, and refused attempts', async () => {
    const noted = await rig.call('POST', `/v1/stops/${scene.stopId}:note`, {
      as: 'olga@operator',
      body: { text: 'the wrong ledger' },
    });
    expect([noted.status, field(noted.body, 'reason')]).toEqual([200, 'a test']);
    expect(
      (await rig.call('POST', `/v1/stops/${scene.stopId}:note`, { as: 'vera@viewer', body: { text: 'x' } })).status,
    ).toBe(403);
    expect(
      (await rig.call('POST', `/v1/stops/${newId('stop')}:note`, { as: 'olga@operator', body: { text: 'x' } })).status,
    ).toBe(404);
    await rig.ledger.sql(
      `INSERT INTO estop.obligation_phases (obligation_id, phase, round, attempts, begun_at)
       SELECT o.obligation_id, f.phase, 0, f.attempts, o.revoked_at - f.ago FROM estop.obligations o,
         (VALUES ('fence', 1, '3 s'::interval), ('terminate', 3, '2 s'), ('revoke-credential', 2, '1 s'), ('probe', 5, '-1 s')) f (phase, attempts, ago)
       WHERE o.cause_id = $1 AND o.connector = 'idp'`,
      [scene.stopId],
    );
    const { items } = StopTimeline.parse(await get(`/v1/stops/${scene.stopId}/timeline`));
    expect(items.map(({ what }) => what)).toEqual([
      'latched (api): a test',
      'fenced: no gateway lets a covered call through',
      'cut at ledger-db role agent_mail_4',
      'the old credential was refused at ledger-db role agent_mail_4 (credential-probed)',
      'cut at idp client mail-bot (terminate begun 3 times, revoke-credential begun 2 times)',
      'note: the wrong ledger',
      'refused attempt: noteStop (forbidden)',
    ]);
    expect((await rig.call('GET', `/v1/stops/${newId('stop')}/timeline`, { as: 'vera@viewer' })).status).toBe(404);
  });

  it('a task says what became of each of its credentials, and what cut it off', async () => {
    const [lane] = await rig.ledger.sql(
      "SELECT task_id FROM estop.obligations WHERE cause_id = $1 AND connector = 'ledger-db'",
      [scene.stopId],
    );
    const history = TaskHistory.parse(await get(`/v1/tasks/${String(lane?.['task_id'])}/history`));
    const of = (kind: string) =>
      history.entries.filter((entry) => entry.kind === kind).map(({ what, by }) => [what, by]);
    expect(of('grant.cut')).toContainEqual(['credential at ledger-db role agent_mail_4 cut off', scene.stopId]);
    expect(of('grant.proved')).toEqual([
      ['credential at ledger-db role agent_mail_4 proved dead (credential-probed)', scene.stopId],
    ]);
  });

  it('a connector is ready for as long as it said so a short while ago', async () => {
    const ready = async () => ConnectorPage.parse(await get('/v1/connectors')).items[0];
    expect(await ready()).toMatchObject({ connectorId: 'ledger-db', ready: 'unknown', agents: ['billing-bot'] });
    const check = { connectorId: 'ledger-db', system: 'postgres', ok: true, findings: [], tookMs: 12 };
    await noteConnectorCheck(rig.ledger.as('estop_revoker'), check);
    expect(await ready()).toMatchObject({ ready: 'yes', tookMs: 12 });
    await noteConnectorCheck(rig.ledger.as('estop_revoker'), { ...check, ok: false, findings: ['no right'] });
    expect(await ready()).toMatchObject({ ready: 'no', findings: ['no right'] });
    await rig.ledger.sql("UPDATE estop.connector_checks SET checked_at = checked_at - interval '4 minutes'");
    expect(await ready()).toMatchObject({ ready: 'unknown' });
  });
});
