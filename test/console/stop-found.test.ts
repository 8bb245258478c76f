import { expect, it } from 'vitest';
import { openObligations } from '../../src/store/obligations.ts';
import { requires } from '../kit/requires.ts';
import { addAgent, fence, startTask, stop } from '../store/ledger.ts';
import { addGrant } from '../store/stopped-agent.ts';
import { phone, startConsole } from './rig.ts';

requires('chromium')('the page of a stop', () => {
  it('says how many credentials it found before it acts on them, and names one cause once', async () => {
    const rig = await startConsole();
    const { ledger } = rig.control;
    const agent = await addAgent(ledger);
    const task = await startTask(ledger, agent);
    for (const connector of ['crm', 'crm', 'crm', 'files']) await addGrant(ledger, task, connector);
    const { stopId } = await stop(ledger, `agent:${agent.agentId}`);
    const { page } = await rig.open('olga@operator', { ...phone, javaScriptEnabled: false });
    await page.goto(`/stops/${stopId}`);
    expect(await page.locator('.stages').innerText()).toContain('4 credentials found, none acted on');
    expect(await page.locator('.stages').innerText()).not.toContain('no credential found');

    await fence(ledger, stopId);
    await openObligations(ledger.as('estop_revoker'), stopId);
    await ledger.sql(
      "UPDATE estop.obligations SET needs_human = 'refused (401)', last_error = 'revoke: refused (401)', next_try_at = clock_timestamp() - interval '12 s' WHERE stop_id = $1",
      [stopId],
    );
    await page.goto(`/stops/${stopId}`);
    const causes = await page.locator('#stop-needs .note.bad').allInnerTexts();
    expect(causes.map((text) => text.split('\n')[0] ?? '').toSorted()).toEqual([
      expect.stringMatching(/^crm · 3 credentials: refused \(401\)$/),
      expect.stringMatching(/^files · .+: refused \(401\)$/),
    ]);
    expect(await page.locator('main').innerText()).toMatch(/the next try is due/);
    expect(await page.locator('main').innerText()).not.toMatch(/next try .* ago|Since then/);
    await page.getByText('Which they are').click();
    expect(await page.locator('#stop-needs li.note.bad li').count()).toBe(3);
  });
});
