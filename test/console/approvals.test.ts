import { beforeAll, expect, it } from 'vitest';
import { requires } from '../kit/requires.ts';
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
});
