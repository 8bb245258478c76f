import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { notifyWorkflowId } from '../../src/contract/names.ts';
import type { NotificationsSpec } from '../../src/contract/notifications.ts';
import { agentKey } from '../../src/core/scope-key.ts';
import { askDrill, finishDrill } from '../../src/store/drills.ts';
import { latch } from '../../src/store/latch.ts';
import { acknowledgeNotices, askTestNotice, type ListedNotice, listNotices } from '../../src/store/notices.ts';
import { stopProgress } from '../../src/store/stop-progress.ts';
import type { ControlWorker } from '../../src/workers/create-control.ts';
import { runProgram } from '../kit/program.ts';
import { requires } from '../kit/requires.ts';
import { type Rig, startRig, until } from '../revocation/rig.ts';
import { addAgent, newId, order, stopAgent } from '../store/ledger.ts';
import { startLadder } from './ladder.ts';
import { expectSigned, payloadsOf, type Receiver, startHanging, startReceiver } from './receiver.ts';
import { type SlackShaped, startSlackShaped } from './slack-shaped.ts';
import { chat, chatToken, olderSecret, pager, pagerSecret, readSecret, spec } from './telling.ts';

const program = join(import.meta.dirname, 'programs', 'telling-worker.ts');

const hostileReason = '<!channel> *look* <https://evil.example|here>\u202e\nSECOND LINE';

requires('temporal')('telling people', () => {
  let rig: Rig;
  let receiver: Receiver;
  let slack: SlackShaped;
  let told: NotificationsSpec;
  let proved = '';
  let worker: ControlWorker | undefined;
  beforeAll(async () => {
    [rig, receiver, slack] = await Promise.all([startRig(), startReceiver(), startSlackShaped(chatToken)]);
    told = spec();
  });
  /** One worker for all of them: whom it tells is read anew for each notice. */
  const work = (): void => {
    worker ??= rig.work({
      telling: { notifications: () => told, consoleUrl: 'https://estop.example.org', readSecret },
    });
  };
  const rest = async (): Promise<void> => {
    await worker?.close();
    worker = undefined;
  };
  const noticesOf = (subject: string): Promise<readonly ListedNotice[]> =>
    listNotices(rig.ledger.as('estop_control'), { subject, limit: 200 });
  const settled = (subject: string, count: number) =>
    until(async () => {
      const notices = await noticesOf(subject);
      return notices.length >= count && notices.every(({ settledAt }) => settledAt !== undefined) && notices;
    });

  /** What is still open for endpoints that are gone is no news to the next test. */
  const giveUp = async (): Promise<void> => {
    await rest();
    await rig.ledger.sql("UPDATE estop.notice_deliveries SET state = 'skipped' WHERE state = 'open'");
    await rig.ledger.sql('UPDATE estop.notices SET settled_at = clock_timestamp() WHERE settled_at IS NULL');
  };

  it('tells each endpoint each stage of a stop, signed so that a verifier of others takes it; again where it was refused, never on a redirect, and to no address of this machine unless that is configured', async () => {
    const [flaky, elsewhere, inside] = await Promise.all([startReceiver(), startReceiver(), startReceiver()]);
    flaky.answer(503, (response) => response.writeHead(307, { location: elsewhere.url }).end());
    const both = [{ env: 'PAGER' }, { env: 'PAGER_OLD' }];
    const latchedOnly = ['stop.latched'];
    told = spec({
      endpoints: [
        pager(`${receiver.url}/hook`, { secrets: both }),
        chat(slack.baseUrl),
        pager(flaky.url, { endpointId: 'flaky', events: latchedOnly }),
        pager(inside.url, { endpointId: 'inside', network: 'public', events: latchedOnly }),
      ],
    });
    work();
    const agent = await rig.agent();
    const placed = { ...order(agentKey(agent.agentId)), reason: hostileReason };
    await latch(rig.ledger.as('estop_stop'), placed);
    const { stopId } = placed;
    proved = stopId;
    // The one that is configured not to be reached is tried for a day.
    const isTold = (notices: readonly ListedNotice[]): boolean =>
      notices.length >= 5 &&
      notices.every(
        ({ deliveries }) =>
          deliveries.length > 0 &&
          deliveries.every(({ endpoint, state }) => endpoint === 'inside' || state === 'delivered'),
      );
    const notices = await until(async () => {
      const now = await noticesOf(stopId);
      return isTold(now) && now;
    });
    const types = payloadsOf(receiver, stopId).map(({ type }) => type);
    const stages = ['fenced', 'halted', 'latched', 'proved', 'revoked'];
    expect(types.toSorted()).toEqual(stages.map((stage) => `stop.${stage}`));
    for (const one of receiver.received) expectSigned(one, [pagerSecret, olderSecret]);
    expect(payloadsOf(receiver, stopId)[0]?.data['link']).toBe(`https://estop.example.org/stops/${stopId}`);
    // Three times, under the same id.
    expect(payloadsOf(flaky, stopId)).toHaveLength(3);
    expect(new Set(flaky.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect([elsewhere.received, inside.received]).toEqual([[], []]);
    const deliveries = notices.find(({ event }) => event === 'stop.latched')?.deliveries ?? [];
    const of = (endpoint: string) => deliveries.find((one) => one.endpoint === endpoint);
    expect(of('flaky')).toMatchObject({ state: 'delivered', attempts: 3, answer: '204' });
    expect(of('inside')).toMatchObject({ state: 'open', answer: 'address-refused' });
    await giveUp();
  }, 60_000);

  it('a stop is proved while every endpoint that hears of it hangs; and sixty notices for one that hangs keep none for another one waiting', async () => {
    const [deaf, silent, awake] = await Promise.all([startReceiver(), startHanging(), startReceiver()]);
    deaf.answer(...Array.from({ length: 100 }, () => 'silence' as const));
    told = spec({
      endpoints: [
        pager(deaf.url),
        pager(deaf.url, { endpointId: 'second' }),
        pager(silent.url, { endpointId: 'silent', events: [] }),
        pager(awake.url, { endpointId: 'awake', events: [] }),
      ],
    });
    const control = rig.ledger.as('estop_control');
    for (let nth = 0; nth < 60; nth += 1) await askTestNotice(control, 'Olga', 'silent');
    work();
    const { stopId } = await stopAgent(rig.ledger, await rig.agent());
    await until(async () => silent.under() >= 8);
    const heard = await askTestNotice(control, 'Olga', 'awake');
    await until(async () => awake.received.some(({ headers }) => headers['webhook-id'] === heard));
    // Each of them is under way there or was turned away for now.
    const turnedAway = () =>
      new Set(
        rig.logged.flatMap(({ fields }) =>
          fields['detail'] === 'silent: others are under way' ? [fields['workflowId']] : [],
        ),
      ).size;
    await until(async () => silent.under() + turnedAway() >= 60);
    expect(silent.most()).toBeLessThanOrEqual(12);
    await until(async () => (await stopProgress(control, stopId))?.stage === 'proved');
    expect(payloadsOf(deaf, stopId).length).toBeGreaterThan(0);
    const stages = await noticesOf(stopId);
    expect(stages.every(({ settledAt }) => settledAt === undefined)).toBe(true);
    await giveUp();
  }, 60_000);

  it('killed in the middle of a delivery, it tells once more at most, under the same id, and nothing twice that was written down', async () => {
    const killed = await startReceiver();
    killed.answer('silence');
    const spoken = spec({ endpoints: [pager(killed.url, { events: ['notify.test'] })] });
    const file = join(rig.folder, 'told.json');
    writeFileSync(file, JSON.stringify(spoken));
    const args = [rig.ledger.urls.estop_revoker, rig.temporal.address, rig.folder, rig.target.url, file];
    const noticeId = await askTestNotice(rig.ledger.as('estop_control'), 'Olga', 'pager');
    const first = runProgram(program, args);
    await first.next();
    await until(async () => killed.received.length === 1);
    await first.kill('SIGKILL');
    const second = runProgram(program, args);
    await second.next();
    await until(async () => (await noticesOf('test')).every(({ settledAt }) => settledAt !== undefined));
    // The workflow is ended by hand and the notice made to look unsettled: what the ledger has as delivered stays so.
    await rig.ledger.sql('UPDATE estop.notices SET settled_at = NULL, taken_at = NULL WHERE notice_id = $1', [
      noticeId,
    ]);
    await until(async () => (await noticesOf('test')).every(({ settledAt }) => settledAt !== undefined));
    await second.kill('SIGKILL');
    expect(killed.received.map(({ headers }) => headers['webhook-id'])).toEqual([noticeId, noticeId]);
    const history = await rig.control.workflow.getHandle(notifyWorkflowId(noticeId)).fetchHistory();
    expect(JSON.stringify(history)).not.toContain('Olga');
  }, 90_000);

  it('shows one card for one stop and changes it in place, with one link; what others wrote is no markup', () => {
    const cards = slack.messages.filter(({ metadata }) => JSON.stringify(metadata).includes(proved));
    expect(cards).toHaveLength(1);
    const [card] = cards;
    expect(card?.updates).toBe(4);
    const drawn = JSON.stringify(card?.blocks);
    expect(drawn).toContain('Stop proved: agent ');
    expect(drawn.match(/"url":/g)).toHaveLength(1);
    expect(drawn).toContain(`https://estop.example.org/stops/${proved}`);
    expect(drawn).toContain('Reason: “<!channel> *look* <https://evil.example|here> SECOND LINE”');
    expect(drawn).not.toContain('mrkdwn');
    expect(drawn).not.toContain('\u202e');
    expect(card?.text).not.toContain('<!channel>');
  });

  it('finds the card again of which it never heard, instead of making a second one', async () => {
    told = spec({ endpoints: [chat(slack.baseUrl, { events: ['notify.test'] })] });
    slack.loseNextAnswer();
    await rig.ledger.sql("DELETE FROM estop.notice_cards WHERE subject = 'test'");
    await askTestNotice(rig.ledger.as('estop_control'), 'Olga', 'chat');
    work();
    await until(
      async () =>
        slack.messages.length > 0 &&
        (await rig.ledger.sql("SELECT 1 FROM estop.notice_cards WHERE subject = 'test'")).length > 0,
    );
    await rig.ledger.sql("UPDATE estop.notice_cards SET claimed_until = clock_timestamp() WHERE subject = 'test'");
    await until(async () => (await noticesOf('test')).every(({ settledAt }) => settledAt !== undefined));
    const cards = slack.messages.filter(({ metadata }) => JSON.stringify(metadata).includes('"test"'));
    expect(cards).toHaveLength(1);
  }, 60_000);

  it('does not send what somebody else has delivered meanwhile', async () => {
    const late = await startReceiver();
    told = spec({
      endpoints: [pager(late.url, { endpointId: 'duty', events: [] })],
      escalation: {
        events: ['stop.latched'],
        steps: [{ to: 'on-call', afterMs: 3_000 }],
        contacts: {},
        onCall: ['duty'],
      },
    });
    work();
    const { stopId } = await stopAgent(rig.ledger, await rig.agent());
    const noticeId = await until(
      async () => (await noticesOf(stopId)).find(({ deliveries }) => deliveries.length > 0)?.noticeId,
    );
    await rig.ledger.sql("UPDATE estop.notice_deliveries SET state = 'delivered' WHERE notice_id = $1", [noticeId]);
    await until(
      async () => (await noticesOf(stopId)).find((one) => one.noticeId === noticeId)?.settledAt !== undefined,
    );
    expect(late.received).toEqual([]);
  }, 60_000);

  it('calls owner, stop-holder and on-call one after the other until somebody has acknowledged, over a crash', async () => {
    const { olga, sam, duty, told: ladder } = await startLadder();
    told = ladder([
      { to: 'owner', afterMs: 0 },
      { to: 'stop-holder', afterMs: 2_000 },
      { to: 'on-call', afterMs: 3_600_000 },
    ]);
    const theirs = { owner: 'olga', stopHolder: 'sam' };
    work();
    const { stopId: seen } = await stopAgent(rig.ledger, await addAgent(rig.ledger, theirs));
    const { stopId: unseen } = await stopAgent(rig.ledger, await addAgent(rig.ledger, theirs));
    const both = (receiver: Receiver) => () =>
      Promise.resolve([seen, unseen].every((stopId) => payloadsOf(receiver, stopId).length === 1));
    await until(both(olga));
    await rest();
    work();
    await until(both(sam));
    await acknowledgeNotices(rig.ledger.as('estop_control'), seen, 'Sam');
    // As if the hour of on-call had come: told from the ledger once more, which is what a telling that was lost comes to.
    await rest();
    const latchedOf = async (stopId: string) => (await noticesOf(stopId)).find(({ event }) => event === 'stop.latched');
    for (const stopId of [seen, unseen]) {
      const noticeId = (await latchedOf(stopId))?.noticeId ?? '';
      await rig.control.workflow.getHandle(notifyWorkflowId(noticeId)).terminate();
      const sql =
        "UPDATE estop.notices SET noted_at = noted_at - interval '1 hour', taken_at = NULL WHERE notice_id = $1";
      await rig.ledger.sql(sql, [noticeId]);
    }
    expect(duty.received).toEqual([]);
    work();
    for (const stopId of [seen, unseen]) {
      await until(async () => (await latchedOf(stopId))?.settledAt);
      expect([payloadsOf(olga, stopId).length, payloadsOf(sam, stopId).length]).toEqual([1, 1]);
    }
    // Of what nobody has seen, and of nothing else, on-call is told.
    expect(duty.received.map(({ body }) => [body.includes(seen), body.includes(unseen)])).toEqual([[false, true]]);
    const rungs = async (stopId: string) =>
      (await latchedOf(stopId))?.deliveries.map(({ rung, state }) => `${rung} ${state}`);
    expect(await rungs(seen)).toEqual(['owner delivered', 'stop-holder delivered', 'on-call skipped']);
    expect(await rungs(unseen)).toEqual(['owner delivered', 'stop-holder delivered', 'on-call delivered']);
  }, 60_000);

  it('tells the owner of the agents that are given credentials by a connector whose drill failed, and nobody further', async () => {
    const { olga, sam, duty, told: ladder } = await startLadder();
    told = ladder([{ to: 'stop-holder', afterMs: 0 }]);
    const grants = [{ name: 'database', connector: 'crm', lifeMs: 60_000, options: {} }];
    const { agentId } = await addAgent(rig.ledger, {
      agentId: 'drilled-bot',
      owner: 'olga',
      stopHolder: 'sam',
      grants,
    });
    const taskId = newId('task');
    await askDrill(rig.ledger.as('estop_control'), { taskId, connectorId: 'crm', actor: 'schedule' });
    await finishDrill(rig.ledger.as('estop_revoker'), taskId, { state: 'failed', why: 'a test' });
    work();
    await settled('connector:crm', 1);
    expect(payloadsOf(olga, 'connector:crm').map(({ type, data }) => [type, data['agents'], data['link']])).toEqual([
      ['drill.failed', [agentId], 'https://estop.example.org/connectors#connector-crm'],
    ]);
    expect([sam.received, duty.received]).toEqual([[], []]);
  }, 60_000);
});
