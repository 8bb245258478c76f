import { gzipSync } from 'node:zlib';
import { beforeAll, expect, it } from 'vitest';
import { drawCard } from '../../src/activities/notices/card.ts';
import { requestApproval } from '../../src/store/approvals.ts';
import { tripBreaker } from '../../src/store/breakers.ts';
import { listNotices, noteNews } from '../../src/store/notices.ts';
import { requires } from '../kit/requires.ts';
import { terms } from '../store/calls.ts';
import { addAgent, digestOf, type Ledger, newId, startTask } from '../store/ledger.ts';
import { type ConsoleRig, phone, startConsole } from './rig.ts';

requires('chromium')('woken at night', () => {
  let rig: ConsoleRig;
  let ledger: Ledger;
  beforeAll(async () => {
    rig = await startConsole();
    ledger = rig.control.ledger;
  });

  /** The one link of the card that was sent about it, as somebody's phone has it. */
  async function linkOf(event: string, subject: string): Promise<string> {
    await noteNews(ledger.as('estop_revoker'), {
      windowMs: 60_000,
      crowd: 1_000,
      crowdMs: 60_000,
      flood: 1_000,
      lostMs: 60_000,
    });
    const notices = (await listNotices(ledger.as('estop_control'), { subject })).toReversed();
    expect(notices.map((notice) => notice.event)).toContain(event);
    const card = drawCard(notices, { consoleUrl: rig.url, environment: 'test', hasButtons: false });
    return /"url":"([^"]+)"/.exec(JSON.stringify(card.blocks))?.[1] ?? 'none:';
  }
  const trips = (breaker: 'denied-rate' | 'over-budget') => async (agentId: string) => {
    const rule = { breaker, action: 'warn', most: 0, atLeast: 0, withinMs: 60_000 } as const;
    await tripBreaker(ledger.as('estop_revoker'), { agentId, rule, measured: 3, sample: 3 });
    return agentId;
  };
  const asks = async (agentId: string): Promise<string> => {
    const [task] = await ledger.sql('SELECT task_id, epoch FROM estop.tasks WHERE agent_id = $1', [agentId]);
    const approvalId = newId('appr');
    await requestApproval(ledger.as('estop_gateway'), {
      approvalId,
      taskId: String(task?.['task_id']),
      tokenEpoch: Number(task?.['epoch']),
      toolKey: 'tool:bank/pay',
      digest: digestOf(approvalId),
      shown: '{"amount":10}',
      ttlMs: 60_000,
      ...terms,
    });
    return approvalId;
  };

  it.each([
    ['breaker.tripped', 'with a script', trips('denied-rate'), true],
    ['budget.ended', 'without one', trips('over-budget'), false],
    ['approval.asked', 'with a script', asks, true],
  ])(
    'the link in a notice of %s leads on a phone, %s, to a latched stop of that agent with three taps',
    async (event, _what, happens, javaScriptEnabled) => {
      const agent = await addAgent(ledger);
      await startTask(ledger, agent);
      const link = await linkOf(event, await happens(agent.agentId));
      const { page, faults } = await rig.open('olga@operator', { ...phone, javaScriptEnabled });
      await page.goto(link); // the first
      await page.locator('.top a[data-stop]').tap();
      const confirm = javaScriptEnabled
        ? page.locator('#stop-dialog [data-confirm]')
        : page.getByRole('button', { name: `Stop agent ${agent.agentId} now` });
      await confirm.tap();
      await page.waitForURL(/\/stops\/stop_test_/);
      expect(await page.locator('.stages li.done b').allInnerTexts()).toContain('latched');
      const stops = await ledger.sql('SELECT actor FROM estop.stops WHERE scope_key = $1', [`agent:${agent.agentId}`]);
      expect(stops).toEqual([{ actor: 'olga' }]);
      expect(faults).toEqual([]);
    },
  );

  it('with 10,000 tasks of a hundred agents the first pages count all, list few, and are no heavier for it', async () => {
    for (let nth = 0; nth < 100; nth += 1) await addAgent(ledger, { agentId: `crowd-${nth}` });
    await ledger.sql(
      `INSERT INTO estop.tasks (task_id, agent_id, root_id, ancestors, agents, keys, epoch, depth, purpose, kind, requested_by, state)
       SELECT t, a, t, '{}', ARRAY[a], ARRAY['fleet', 'agent:' || a, 'task:' || t], estop.current_epoch(), 0, 'one of many', 'task', 'rita', 'running'
       FROM (SELECT 'task_test_9' || lpad(n::text, 25, '0') AS t, 'crowd-' || n % 100 AS a FROM generate_series(1, 10000) n) x`,
    );
    const fetched = async (path: string): Promise<string> => {
      const headers = { host: 'localhost', authorization: 'Bearer olga@operator', accept: 'text/html' };
      const answer = await rig.control.app.request(path, { headers });
      expect([path, answer.status]).toEqual([path, 200]);
      return answer.text();
    };
    const weightOf = async (page: string): Promise<number> => {
      const assets = [...page.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map((match) => match[1] ?? '');
      const parts = [page, ...(await Promise.all([...new Set(assets)].map(fetched)))];
      return parts.reduce((sum, part) => sum + gzipSync(part).length, 0);
    };
    const [now, tasks] = [await fetched('/'), await fetched('/tasks')];
    expect(now).toMatch(/10,?\d{3}/);
    expect(now.match(/id="agent-/g)?.length).toBe(30);
    expect(tasks.match(/href="\/tasks\/task_test_/g)?.length).toBe(50);
    expect(tasks).toContain('cursor=');
    for (const page of [now, tasks]) {
      expect(page).toContain('data-stop="fleet"');
      expect(await weightOf(page)).toBeLessThanOrEqual(30_000);
    }
    const older = /href="(\/tasks\?[^"]*cursor=[^"]*)"/.exec(tasks)?.[1]?.replaceAll('&amp;', '&') ?? 'none:';
    const first = new Set(tasks.match(/\/tasks\/task_test_\w+/g));
    expect((await fetched(older)).match(/\/tasks\/task_test_\w+/g)?.filter((one) => first.has(one))).toEqual([]);
  });
});
