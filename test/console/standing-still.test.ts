import { setTimeout as pause } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { latch } from '../../src/store/latch.ts';
import { requires } from '../kit/requires.ts';
import { addAgent, newId, order, startTask } from '../store/ledger.ts';
import { type ConsoleRig, startConsole } from './rig.ts';

requires('chromium')('a live page while somebody writes in it', () => {
  let rig: ConsoleRig;
  beforeAll(async () => {
    rig = await startConsole();
  });

  interface Owed {
    readonly stopId: string;
    /** Changes the one obligation of the stop, as its worker would. */
    readonly change: (to: string) => Promise<unknown>;
  }

  async function stopThatOwes(): Promise<Owed> {
    const { ledger } = rig.control;
    const agent = await addAgent(ledger);
    const { taskId } = await startTask(ledger, agent);
    const placed = order(`agent:${agent.agentId}`);
    await latch(ledger.as('estop_stop'), placed);
    const grantId = newId('grant');
    await ledger.sql(
      `INSERT INTO estop.obligations (obligation_id, cause_id, stop_id, cause_epoch, grant_id, agent_id, task_id, connector, target, state, phase, attempts, needs_human)
       VALUES ($1 || '/' || $2, $1, $1, 1, $2, $3, $4, 'crm', 'token 77', 'open', 'revoke-credential', 1, 'refused the first time')`,
      [placed.stopId, grantId, agent.agentId, taskId],
    );
    return {
      stopId: placed.stopId,
      change: (to) =>
        ledger.sql(`UPDATE estop.obligations SET ${to} WHERE obligation_id = $1`, [`${placed.stopId}/${grantId}`]),
    };
  }
  const stands = (page: Page) => page.locator('[data-stands]');
  const why = (page: Page) => page.getByLabel('Why you answer for it');

  it('says which part stands still, shows it afterwards, and loses nothing of what was written', async () => {
    const { stopId, change } = await stopThatOwes();
    const { page, faults } = await rig.open('ada@admin');
    await page.goto(`/stops/${stopId}`);
    await page.locator('html[data-link=live]').waitFor();
    await page.getByText('It cannot be mended').click();
    await why(page).fill('the vendor is gone');
    await change("needs_human = 'refused the second time'");
    await stands(page).waitFor();
    expect(await stands(page).innerText()).toMatch(/^Something changed here at \d\d:\d\d:\d\d UTC\. It is shown when/);
    // The rest of the page has it, and the form is where it was.
    await page.locator('#stop-lanes').getByText('needs a person').waitFor();
    expect(await page.locator('#stop-needs').innerText()).toContain('refused the first time');
    expect(await why(page).evaluate('document.activeElement.name')).toBe('reason');
    await why(page).blur();
    await page.locator('#stop-needs').getByText('refused the second time').waitFor();
    expect([await why(page).inputValue(), await stands(page).count()]).toEqual(['the vendor is gone', 0]);
    // Written and left: the facts around it go on.
    await change("needs_human = 'refused the third time'");
    await page.locator('#stop-needs').getByText('refused the third time').waitFor();
    expect(await why(page).inputValue()).toBe('the vendor is gone');
    expect(await page.locator('details[open] form').count()).toBe(1);
    await page.getByRole('button', { name: 'Accept the risk' }).click();
    await page.getByText('risk accepted by ada').waitFor();
    expect(faults).toEqual([]);
  });

  it('goes on where a form is open and nothing was written, and takes a form away whose time is over', async () => {
    const { stopId, change } = await stopThatOwes();
    const { page } = await rig.open('ada@admin');
    await page.goto(`/stops/${stopId}`);
    await page.locator('html[data-link=live]').waitFor();
    await page.getByText('It cannot be mended').click();
    await change("needs_human = 'refused the second time'");
    await page.locator('#stop-needs').getByText('refused the second time').waitFor();
    expect(await page.locator('details[open] form').count()).toBe(1);
    await why(page).fill('too late');
    await why(page).blur();
    await change(
      "needs_human = NULL, state = 'proved', evidence = 'credential-probed', revoked_at = now(), proved_at = now()",
    );
    await page.locator('#stop-lanes').getByText('proved, last probe to come').waitFor();
    await expect.poll(() => why(page).count()).toBe(0);
  });

  it('replaces nothing under a finger', async () => {
    const { stopId, change } = await stopThatOwes();
    const { page } = await rig.open('ada@admin');
    await page.goto(`/stops/${stopId}`);
    await page.locator('html[data-link=live]').waitFor();
    const summary = page.getByText('It cannot be mended');
    await summary.hover();
    await page.mouse.down();
    const answered = page.waitForResponse((answer) => answer.url().endsWith(stopId));
    await change("needs_human = 'refused the second time'");
    await answered;
    // Long enough for a page that does it to have done it.
    await pause(1_000);
    expect(await page.locator('#stop-needs').innerText()).toContain('refused the first time');
    await page.mouse.up();
    await page.locator('#stop-needs').getByText('refused the second time').waitFor();
    expect(await page.locator('#stop-needs details[open]').count()).toBe(1);
  });
});
