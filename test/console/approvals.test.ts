import { beforeAll, expect, it } from 'vitest';
import { beginDelivery, endDelivery, planDeliveries } from '../../src/store/notices.ts';
import { requires } from '../kit/requires.ts';
import { newId } from '../store/ledger.ts';
import { type ConsoleRig, phone, startConsole } from './rig.ts';
import { hostile, makeScene, type Scene, sceneConfig } from './scene.ts';

requires('chromium')('deciding and answering from the console', () => {
  let rig: ConsoleRig;
  let scene: Scene;
  beforeAll(async () => {
    rig = await startConsole(sceneConfig());
    scene = await makeScene(rig.control.ledger);
  });
  const stateOf = async (id: string): Promise<unknown> =>
    (
      await rig.control.ledger.sql(
        'SELECT state, decided_by, decision_reason FROM estop.approvals WHERE approval_id = $1',
        [id],
      )
    )[0];
  const pending = async (): Promise<readonly string[]> =>
    (await rig.control.ledger.sql("SELECT approval_id FROM estop.approvals WHERE state = 'pending' ORDER BY 1")).map(
      (row) => String(row['approval_id']),
    );

  it('shows the facts before the text, the text whole and fenced, and what differs from the last one', async () => {
    const { page, faults } = await rig.open('paul@approver', phone);
    await page.goto(`/approvals/${scene.approvalId}`);
    const text = await page.locator('main').innerText();
    expect(text.indexOf('Risk tier')).toBeGreaterThan(0);
    expect(text.indexOf('Risk tier')).toBeLessThan(text.indexOf('"amount": 4180'));
    await page.goto('/approvals');
    const card = page.locator('article', { has: page.locator(`a[href="/approvals/${scene.approvalId}"]`) });
    expect(await card.innerText()).toMatch(/destructive\s+as estop\.yaml decides[\s\S]*4180/);
    await page.goto(`/approvals/${scene.approvalId}`);
    const [row] = await rig.control.ledger.sql('SELECT shown FROM estop.approvals WHERE approval_id = $1', [
      scene.approvalId,
    ]);
    expect(await page.locator('.fenced pre').first().textContent()).toBe(row?.['shown']);
    expect(await page.locator('.diff del').allInnerTexts()).toEqual([
      '-   "amount": 41.8,',
      '-   "note": "one bottle broken",',
    ]);
    expect(await page.locator('.fenced img, .fenced a').count()).toBe(0);
    expect([faults, hostile.includes('<img')]).toEqual([[], true]);
  });

  it('gives whoever asked for the task nothing to approve with, and refuses it from them', async () => {
    const { page } = await rig.open('rita@approver');
    await page.goto(`/approvals/${scene.approvalId}`);
    expect(await page.getByRole('button', { name: /Approve/ }).count()).toBe(0);
    await page.getByText('You asked for this task').waitFor();
    const forced = await page.request.post(`/approvals/${scene.approvalId}`, {
      form: { decision: 'approved' },
      headers: { origin: rig.url },
    });
    expect([forced.status(), await stateOf(scene.approvalId)]).toMatchObject([403, { state: 'pending' }]);
  });

  it('an operator sees it and has nothing to decide with', async () => {
    const { page } = await rig.open('olga@operator');
    await page.goto(`/approvals/${scene.approvalId}`);
    expect(await page.getByRole('button', { name: /this call/ }).count()).toBe(0);
  });

  it('is decided once, with a reason, without a script; a denial without a reason is none', async () => {
    const { page } = await rig.open('paul@approver', { javaScriptEnabled: false });
    await page.goto(`/approvals/${scene.approvalId}`);
    await page.getByRole('button', { name: 'Deny this call' }).click();
    await page.getByRole('heading', { name: 'The request is not valid.' }).waitFor();
    await page.goto(`/approvals/${scene.approvalId}`);
    await page.getByLabel('Reason').fill('a hundred times the price');
    await page.getByRole('button', { name: 'Deny this call' }).click();
    await page.getByText('It is denied').waitFor();
    expect(await stateOf(scene.approvalId)).toEqual({
      state: 'denied',
      decided_by: 'paul',
      decision_reason: 'a hundred times the price',
    });
  });

  it('denies in a batch, within one agent, and offers no approving in one', async () => {
    const asked = await Promise.all([scene.ask(1, 'one'), scene.ask(2, 'two')]);
    const { page } = await rig.open('paul@approver');
    await page.goto('/approvals');
    expect(await page.getByRole('button', { name: /approve/i }).count()).toBe(0);
    const before = await pending();
    expect(before).toEqual(expect.arrayContaining(asked));
    for (const box of await page.getByRole('checkbox').all()) await box.check();
    await page.getByLabel('Why not').fill('nobody asked for these');
    await page.getByRole('button', { name: 'Deny those ticked' }).click();
    await page.getByRole('heading', { name: 'Nothing waits' }).waitFor();
    expect(await pending()).toEqual([]);
  });

  it('stays usable with a thousand waiting: pages of a bounded size, each call on one of them, and a Stop that is there', async () => {
    const { ledger, app } = rig.control;
    const like = await scene.ask(3, 'like the others');
    const ids = Array.from({ length: 1_000 }, () => newId('appr'));
    await ledger.sql(
      `INSERT INTO estop.approvals SELECT (jsonb_populate_record(a, jsonb_build_object('approval_id', id, 'digest', '\\x' || encode(sha256(id::bytea), 'hex'),
         'requested_at', a.requested_at - make_interval(secs => n)))).* FROM estop.approvals a, unnest($2::text[]) WITH ORDINALITY AS more (id, n) WHERE a.approval_id = $1`,
      [like, ids],
    );
    const { page } = await rig.open('adam@admin', phone);
    const seen: string[] = [];
    const lookAtPage = async (): Promise<void> => {
      const hrefs = await page
        .locator('#inbox h3 a')
        .evaluateAll((links) => links.map((link) => String(link.getAttribute('href'))));
      expect(hrefs.length).toBeLessThanOrEqual(100);
      seen.push(...hrefs.map((href) => href.split('/')[2] ?? ''));
    };
    await page.goto('/approvals');
    await page.locator('html[data-link=live]').waitFor();
    expect(await page.locator('nav .count').allInnerTexts()).toContainEqual(expect.stringContaining('99+'));
    const late = await scene.ask(4, 'asked meanwhile');
    await page.locator(`a[href="/approvals/${late}"]`).waitFor();
    await lookAtPage();
    const older = page.getByRole('link', { name: 'Older' });
    while ((await older.count()) > 0) {
      const here = page.url();
      await older.click();
      await page.waitForURL((url) => url.href !== here);
      await lookAtPage();
      // What is asked for now moves nothing from one page to the next.
      await scene.ask(5, 'asked later still');
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(ids.filter((id) => !seen.includes(id))).toEqual([]);

    const last = ids.at(-1) ?? '';
    await page.locator(`a[href="/approvals/${last}"]`).click();
    await page.getByRole('button', { name: 'Approve this call, once' }).click();
    await page.getByText('It is approved').waitFor();
    expect(await stateOf(last)).toMatchObject({ state: 'approved', decided_by: 'adam' });

    await page.goto('/approvals');
    await page.locator('section').getByRole('link', { name: 'Stop agent billing-bot' }).click();
    await page.locator('#stop-dialog[open]').waitFor();
    const answer = await app.request('/approvals', {
      headers: {
        'host': 'localhost',
        'authorization': 'Bearer adam@admin',
        'accept': 'text/html',
        'accept-encoding': 'gzip',
      },
    });
    expect((await answer.arrayBuffer()).byteLength).toBeLessThan(24_000);
  });

  it('says who was told, who is called next and when, until somebody has seen it, and sends a test', async () => {
    const { page } = await rig.open('olga@operator', { javaScriptEnabled: false });
    await page.goto(`/notices?subject=${scene.stopId}`);
    const open = page.locator('.note.warn', { hasText: 'stop-holder at olga-phone' });
    expect(await open.innerText()).toMatch(
      /pager: (delivered|failed)[\s\S]*stop-holder at olga-phone in \d+ min, unless it is seen/,
    );
    await open.getByRole('button', { name: 'I have seen it' }).click();
    await page.goto(`/notices?subject=${scene.stopId}`);
    const text = await page.locator('main').innerText();
    expect([
      text.includes('seen by olga'),
      text.includes('not called any more'),
      /escalations? open/.test(text),
    ]).toEqual([true, true, false]);
    await page.locator('select[name=endpoint]').selectOption('pager');
    await page.getByRole('button', { name: 'Send a test' }).click();
    await page.locator('h1', { hasText: 'Notices' }).waitFor();
    expect(
      await rig.control.ledger.sql("SELECT 1 FROM estop.audit WHERE kind LIKE 'notice.%' AND actor = 'olga'"),
    ).not.toEqual([]);
  });

  it('shows what people were told page by page, back to the first', async () => {
    const { ledger } = rig.control;
    // Everybody was called for it and nobody answered; then came more than one page shows.
    await ledger.sql(
      `INSERT INTO estop.notices (notice_id, event, subject, facts) VALUES ('ntc_test_old', 'gateway.lost', 'gw_old', '{"address": "10.9.8.7:7403"}')`,
    );
    const called = { endpoint: 'olga-phone', rung: 'on-call', afterMs: 0 };
    await planDeliveries(ledger.as('estop_revoker'), 'ntc_test_old', [called]);
    await beginDelivery(ledger.as('estop_revoker'), { noticeId: 'ntc_test_old', ...called });
    await endDelivery(ledger.as('estop_revoker'), { noticeId: 'ntc_test_old', ...called }, 'delivered', '200');
    await ledger.sql(`INSERT INTO estop.notices (notice_id, event, subject, nth, quiet, settled_at)
      SELECT 'ntc_test_' || lpad(n::text, 26, '0'), 'policy.activated', 'many', n::text, 'crowd', clock_timestamp() FROM generate_series(1, 150) n`);
    await ledger.sql("UPDATE estop.notices SET quiet = NULL WHERE subject = 'many' AND nth = '1'");
    const { page } = await rig.open('olga@operator', { javaScriptEnabled: false });
    await page.goto('/');
    await page.getByLabel('Open escalations').getByText('Gateway lost: 10.9.8.7:7403').waitFor();
    await page.getByRole('link', { name: '1 escalation open' }).click();
    const open = page.locator('.note.warn', { hasText: 'gateway at 10.9.8.7:7403' });
    expect(await open.innerText()).toMatch(/on-call at olga-phone: delivered/);
    await open.getByRole('button', { name: 'I have seen it' }).click();
    await open.waitFor({ state: 'detached' });
    await page.goto('/');
    expect(await page.getByLabel('Open escalations').count()).toBe(0);
    await page.goto('/notices?subject=many');
    expect(await page.locator('#notices .timeline li').count()).toBe(100);
    await page.getByRole('link', { name: 'Older' }).click();
    expect(await page.locator('#notices .timeline li').count()).toBe(50);
    expect(await page.getByRole('link', { name: 'Older' }).count()).toBe(0);
    const older = page.url();
    expect(new URL(older).searchParams.get('subject')).toBe('many');
    // Whoever says to have seen one stays where they are; and where that is, is said in our words alone.
    await page.getByRole('button', { name: 'I have seen it' }).click();
    await page.getByText('seen by olga').first().waitFor();
    expect(page.url()).toBe(older);
    for (const back of [
      '//evil.example',
      'https://evil.example/\r\nx: y',
      '/\\evil.example',
      '/sign-out',
      '',
      '/.//evil.example',
    ]) {
      const form = { what: 'many', back };
      const answer = await page.request.post('/notices/seen', { form, headers: { origin: rig.url }, maxRedirects: 0 });
      expect([back, answer.status(), answer.headers()['location']]).toEqual([back, 303, '/']);
    }
    expect((await page.goto('/notices?cursor=nonsense'))?.status()).toBe(422);
  });

  it('has an escalation acknowledged from Now and from the stop itself, by whoever may, and stays there', async () => {
    const { ledger } = rig.control;
    const revoker = ledger.as('estop_revoker');
    const call = async (noticeId: string, event: string, subject: string): Promise<void> => {
      const facts = JSON.stringify({
        scopeKey: 'agent:mail-bot',
        reason: 'it mails the wrong list',
        actor: hostile,
        method: 'cli',
        category: 0,
        connector: 'crm',
        obligations: 1,
      });
      await ledger.sql(
        'INSERT INTO estop.notices (notice_id, event, subject, nth, agents, facts) VALUES ($1, $2, $3, $1, $4, $5)',
        [noticeId, event, subject, ['mail-bot'], facts],
      );
      await planDeliveries(revoker, noticeId, [{ endpoint: 'olga-phone', rung: 'on-call', afterMs: 3_600_000 }]);
    };
    const seenBy = async () =>
      (
        await ledger.sql(
          "SELECT notice_id, acked_by FROM estop.notices WHERE notice_id LIKE 'ntc_test_call%' ORDER BY 1",
        )
      ).map((row) => row['acked_by']);
    const subject = newId('stop');
    await call('ntc_test_call1', 'stop.latched', subject);
    // Whoever may not is shown none of it to press, and their word does not count.
    const vera = (await rig.open('vera@viewer')).page;
    await vera.goto('/');
    expect(await vera.getByLabel('Open escalations').innerText()).toMatch(
      /STOP latched: agent mail-bot[\s\S]*Reason: “it mails the wrong list”/,
    );
    expect(await vera.getByRole('button', { name: 'I have seen it' }).count()).toBe(0);
    const foreign = await vera.request.post('/notices/seen', { form: { what: subject }, headers: { origin: rig.url } });
    expect([foreign.status(), await seenBy()]).toEqual([403, [null]]);

    const { page } = await rig.open('olga@operator', { javaScriptEnabled: false });
    await page.goto('/?search=bot&label=team%3Dbilling&still=true');
    const shown = page
      .getByLabel('Open escalations')
      .locator('li', { hasText: /STOP latched: agent mail-bot[\s\S]*it mails the wrong list/ });
    // What is noted after the page was made, nobody who presses has seen.
    await call('ntc_test_call2', 'obligation.needs-human', subject);
    await shown.getByRole('button', { name: 'I have seen it' }).click();
    expect(new URL(page.url()).search).toBe('?search=bot&label=team%3Dbilling&still=true');
    expect(await seenBy()).toEqual(['olga', null]);
    expect(await shown.count()).toBe(0);
    const later = page.getByLabel('Open escalations').locator('li', { hasText: 'A person is needed at crm' });
    expect(await later.innerText()).toContain('For the stop of agent mail-bot: “it mails the wrong list”');
    expect(await page.locator('main').innerText()).not.toContain(subject);

    await call('ntc_test_call3', 'stop.latched', scene.stopId);
    await page.goto(`/stops/${scene.stopId}?still=true`);
    await page.getByLabel('Open escalation', { exact: true }).getByRole('button', { name: 'I have seen it' }).click();
    expect(new URL(page.url()).pathname).toBe(`/stops/${scene.stopId}`);
    expect(await seenBy()).toEqual(['olga', null, 'olga']);
    expect(await page.getByLabel('Open escalation', { exact: true }).count()).toBe(0);
    await page.goto('/?still=true');
    await later.getByRole('button', { name: 'I have seen it' }).click();
    expect([new URL(page.url()).pathname, await seenBy()]).toEqual(['/', ['olga', 'olga', 'olga']]);
    const until = await page.request.post('/notices/seen', {
      form: { what: subject, until: 'yesterday' },
      headers: { origin: rig.url },
    });
    expect(until.status()).toBe(422);
  });
});
