import { beforeAll, expect, it } from 'vitest';
import { requires } from '../kit/requires.ts';
import { newId } from '../store/ledger.ts';
import { type ConsoleRig, phone, startConsole } from './rig.ts';
import { hostile, makeScene, type Scene, sceneConfig } from './scene.ts';

requires('chromium')('deciding from the console', () => {
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
});
