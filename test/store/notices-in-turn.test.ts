import { beforeAll, describe, expect, it } from 'vitest';
import { ledgerFigures } from '../../src/store/ledger-figures.ts';
import {
  acknowledgeNotices,
  askTestNotice,
  beginDelivery,
  endDelivery,
  failedDeliveries,
  listNotices,
  noteNews,
  planDeliveries,
  settleNotice,
  takeNotices,
  untakeNotice,
} from '../../src/store/notices.ts';
import { createDatabase } from '../kit/postgres.ts';
import { type Ledger, makeLedger, newId } from './ledger.ts';

describe('notices, whom they are told and whom not yet', () => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
  });
  const revoker = () => ledger.as('estop_revoker');

  it('gives new ones first, however many could not be seen to or are looked after again and again', async () => {
    const tell = () => askTestNotice(ledger.as('estop_control'), 'Olga');
    for (let nth = 0; nth < 5; nth += 1) await tell();
    const stuck = await takeNotices(revoker(), 0, 5);
    for (const { noticeId } of stuck) await untakeNotice(revoker(), noticeId);
    const newer = await tell();
    expect((await takeNotices(revoker(), 0, 5)).map(({ noticeId }) => noticeId)).toContain(newer);
    // Looked after ever more seldom: a day of an endpoint that is away is no load.
    const age = (minutes: number) =>
      ledger.sql(`UPDATE estop.notices SET takes = 9, taken_at = clock_timestamp() - interval '${minutes} minutes'
        WHERE settled_at IS NULL`);
    await age(7);
    expect(await takeNotices(revoker(), 15_000, 50)).toEqual([]);
    await age(9);
    expect((await takeNotices(revoker(), 15_000, 50)).length).toBe(6);
    await ledger.sql('UPDATE estop.notices SET settled_at = clock_timestamp()');
  });

  it('counts a delivery as given up when it was, however old what it tells', async () => {
    const noticeId = await askTestNotice(ledger.as('estop_control'), 'Olga');
    const key = { noticeId, endpoint: 'pager', rung: '' };
    await planDeliveries(revoker(), noticeId, [{ endpoint: 'pager', rung: '', afterMs: 0 }]);
    await ledger.sql("UPDATE estop.notices SET noted_at = noted_at - interval '25 hours' WHERE notice_id = $1", [
      noticeId,
    ]);
    const before = await failedDeliveries(ledger.as('estop_control'));
    await endDelivery(revoker(), key, 'failed', 'given up');
    expect(await failedDeliveries(ledger.as('estop_control'))).toBe(before + 1);
    expect((await ledgerFigures(revoker())).deliveriesFailed).toBe(before + 1);
    await ledger.sql("UPDATE estop.notice_deliveries SET ended_at = ended_at - interval '2 hours'");
    expect(await failedDeliveries(ledger.as('estop_control'))).toBe(0);
    await settleNotice(revoker(), noticeId);
  });

  it('is open as an escalation from its plan until somebody has seen it, also once everybody was called', async () => {
    const made = async (event: string): Promise<string> => {
      const noticeId = `ntc_test_${newId('call').slice(-26)}`;
      const sql = 'INSERT INTO estop.notices (notice_id, event, subject) VALUES ($1, $2, $1)';
      await ledger.sql(sql, [noticeId, event]);
      return noticeId;
    };
    const control = ledger.as('estop_control');
    const isOpen = async (noticeId: string): Promise<boolean> =>
      (await listNotices(control, { escalated: true, subject: noticeId })).length === 1;
    const at = (rung: string, afterMs: number) => ({ endpoint: 'pager', rung, afterMs });
    const called = await made('stop.latched');
    expect(await isOpen(called)).toBe(false);
    await planDeliveries(revoker(), called, [at('', 0), at('owner', 0)]);
    expect(await isOpen(called)).toBe(true);
    for (const rung of ['', 'owner']) {
      await beginDelivery(revoker(), { noticeId: called, endpoint: 'pager', rung });
      await endDelivery(revoker(), { noticeId: called, endpoint: 'pager', rung }, 'delivered', '200');
    }
    await settleNotice(revoker(), called);
    expect(await isOpen(called)).toBe(true);
    await acknowledgeNotices(control, called, 'Olga');
    expect(await isOpen(called)).toBe(false);
    // Whoever merely hears of something is not called for it.
    const heard = await made('stop.fenced');
    await planDeliveries(revoker(), heard, [at('', 0)]);
    const drilled = await made('drill.failed');
    await planDeliveries(revoker(), drilled, [at('owner', 0)]);
    expect([await isOpen(heard), await isOpen(drilled)]).toEqual([false, false]);
    const further = await made('drill.failed');
    await planDeliveries(revoker(), further, [at('owner', 0), at('stop-holder', 300_000)]);
    expect(await isOpen(further)).toBe(true);
  });

  it('tells who has a role for a while, not who granted it, and by a name whom a provider knows by a number alone', async () => {
    await ledger.sql(
      `INSERT INTO estop.people (person_id, issuer, subject, name, person) VALUES
         ('n1', 'i', '00u1', 'sub:00u1', 'Olga'), ('n2', 'i', '00u2', 'sub:00u2', 'Ann'), ('n3', 'j', '00u2', 'sub:00u2', 'Ben')`,
    );
    await ledger.sql(
      `INSERT INTO estop.audit (kind, actor, subject, reason, detail) VALUES ('elevation.begun', 'sub:00u2', 'elevation:elev_names', 'why', '{"role": "admin", "of": "sub:00u1", "lifeMs": 600000}')`,
    );
    await noteNews(revoker(), { windowMs: 86_400_000, crowd: 20, crowdMs: 60_000, flood: 5, lostMs: 10_000 });
    const [told] = await listNotices(revoker(), { subject: 'elevation:elev_names' });
    // Of two people with one number neither is named.
    expect(told?.facts).toEqual({
      actor: 'sub:00u2',
      subject: 'elevation:elev_names',
      of: 'sub:00u1',
      ofName: 'Olga',
      role: 'admin',
      lifeMs: 600_000,
      reason: 'why',
    });
  });
});
