import type { ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { askTestNotice, type ListedNotice, listNotices } from '../../src/store/notices.ts';
import { requires } from '../kit/requires.ts';
import { startRig, until } from '../revocation/rig.ts';
import { startReceiver } from './receiver.ts';
import { pager, readSecret, spec } from './telling.ts';

const askingFor = (seconds: number) => (response: ServerResponse) =>
  void response.writeHead(503, { 'retry-after': String(seconds) }).end();

requires('temporal')('a receiver that was away and is back', () => {
  it('is told what waits for it as soon as it has taken something, once; what it asked to wait for waits, and so does what waits for others', async () => {
    const rig = await startRig();
    const [away, other] = await Promise.all([startReceiver(), startReceiver()]);
    const endpoints = [pager(away.url, { events: [] }), pager(other.url, { endpointId: 'other', events: [] })];
    rig.work({
      telling: {
        notifications: () => spec({ endpoints }),
        consoleUrl: 'https://estop.example.org',
        readSecret,
      },
    });
    const control = rig.ledger.as('estop_control');
    const deliveryOf = async (noticeId: string) => {
      const notices: readonly ListedNotice[] = await listNotices(control, { subject: 'test' });
      return notices.find((one) => one.noticeId === noticeId)?.deliveries[0];
    };
    /** It failed so often that it is tried again in minutes. */
    const resting = async (
      endpoint: string,
      receiver: typeof away,
      answer: 503 | ((response: ServerResponse) => void),
    ) => {
      receiver.answer(503, answer);
      const noticeId = await askTestNotice(control, 'Olga', endpoint);
      const nth = (attempts: number) => until(async () => (await deliveryOf(noticeId))?.attempts === attempts);
      await until(async () => (await deliveryOf(noticeId))?.answer === '503');
      await rig.ledger.sql('UPDATE estop.notice_deliveries SET attempts = 9 WHERE notice_id = $1', [noticeId]);
      await nth(10);
      await until(async () => (await deliveryOf(noticeId))?.answer === '503');
      await rig.ledger.sql(
        `UPDATE estop.notice_deliveries SET rests_since = rests_since - interval '2 min' WHERE notice_id = $1`,
        [noticeId],
      );
      return noticeId;
    };
    const waiting = [await resting('pager', away, 503), await resting('pager', away, 503)];
    const asked = await resting('pager', away, askingFor(600));
    const elsewhere = await resting('other', other, 503);
    const before = other.received.length;
    const heard = await askTestNotice(control, 'Olga', 'pager');
    const times = (noticeId: string) =>
      away.received.filter(({ headers }) => headers['webhook-id'] === noticeId).length;
    await until(async () => (await deliveryOf(heard))?.state === 'delivered');
    for (const noticeId of waiting)
      expect(
        await until(async () => {
          const delivery = await deliveryOf(noticeId);
          return delivery?.state === 'delivered' && delivery;
        }),
      ).toMatchObject({ attempts: 11, answer: '204' });
    expect(waiting.map(times)).toEqual([3, 3]);
    expect([times(asked), other.received.length]).toEqual([2, before]);
    expect(await Promise.all([asked, elsewhere].map(deliveryOf))).toMatchObject([
      { state: 'open', attempts: 10 },
      { state: 'open', attempts: 10 },
    ]);
  }, 90_000);
});
