import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { markStage, markSweep } from '../../src/store/stop-progress.ts';
import { closeTasks } from '../../src/store/tasks.ts';
import { field, silentStore } from '../control/rig.ts';
import { requires } from '../kit/requires.ts';
import { addAgent, fence, newId, startTask, stop } from '../store/ledger.ts';
import { axeFindings } from './browser.ts';
import { type ConsoleRig, phone, startConsole } from './rig.ts';

requires('chromium')('stopping from the console', () => {
  let rig: ConsoleRig;
  beforeAll(async () => {
    rig = await startConsole();
  });

  const runningAgent = async (): Promise<string> => {
    const agent = await addAgent(rig.control.ledger);
    await startTask(rig.control.ledger, agent);
    return agent.agentId;
  };
  const stopsOf = async (scopeKey: string): Promise<readonly Record<string, unknown>[]> =>
    rig.control.ledger.sql('SELECT stop_id, actor, method, reason, category FROM estop.stops WHERE scope_key = $1', [
      scopeKey,
    ]);
  const stages = (page: Page): Promise<readonly string[]> => page.locator('.stages li.done b').allInnerTexts();

  it('takes one press and one confirmation on a phone without a script', async () => {
    const agentId = await runningAgent();
    const { page } = await rig.open('olga@operator', { ...phone, javaScriptEnabled: false });
    await page.goto('/');
    await page.locator(`#agent-${agentId}`).getByRole('link', { name: 'Stop' }).click();
    await page.getByRole('button', { name: `Stop agent ${agentId} now` }).click();
    await page.waitForURL(/\/stops\/stop_test_/);
    expect(await stages(page)).toContain('latched');
    expect(await stopsOf(`agent:${agentId}`)).toMatchObject([
      { actor: 'olga', method: 'console', reason: '', category: 0 },
    ]);
  });

  it('takes one press of the header and one confirmation, which names the count, for the fleet', async () => {
    const agentId = await runningAgent();
    const { page, faults } = await rig.open('olga@operator', phone);
    await page.goto('/');
    await page.locator('.top a[data-stop]').click();
    const confirm = page.locator('#stop-dialog [data-confirm]');
    // Asked from here: what waits in the page is evaluated there, which its policy forbids from the second look on.
    await expect.poll(() => confirm.innerText(), { timeout: 30_000 }).toMatch(/\d+ open tasks? of \d+ agents?/);
    await confirm.click();
    await page.waitForURL(/\/stops\/stop_test_/);
    expect(await page.locator('h1').innerText()).toBe('Stop of everything');
    expect(await stages(page)).toContain('latched');
    expect(faults).toEqual([]);
    await rig.control.ledger.sql(
      "UPDATE estop.stops SET reset_epoch = epoch + 100000, reset_at = clock_timestamp(), reset_by = 'x', reset_reason = 'x' WHERE scope_key = 'fleet'",
    );
    expect(agentId).not.toBe('');
  });

  it('takes no pointer: the shortcut opens the dialog and stops nothing, Enter confirms, Escape does not', async () => {
    const agentId = await runningAgent();
    const { page } = await rig.open('olga@operator');
    await page.goto(`/stop?scope=agent:${agentId}`);
    for (const keys of ['Control+Shift+K', 'Meta+Shift+K']) {
      await page.keyboard.press(keys);
      await page.locator('#stop-dialog[open]').waitFor();
      await page.keyboard.press('Escape');
      expect([keys, await page.locator('#stop-dialog[open]').count()]).toEqual([keys, 0]);
    }
    expect(await stopsOf(`agent:${agentId}`)).toEqual([]);
    await page.keyboard.press('Control+Shift+K');
    await page.locator('#stop-dialog[open]').waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/stops\/stop_test_/);
    expect(await stopsOf(`agent:${agentId}`)).toHaveLength(1);
  });

  it('pressed again, and sent again, it is the same stop', async () => {
    const agentId = await runningAgent();
    const { page } = await rig.open('olga@operator', { javaScriptEnabled: false });
    for (const _ of [1, 2]) {
      await page.goto(`/stop?scope=agent:${agentId}`);
    }
    const form = { scope: `agent:${agentId}`, stopId: newId('stop'), reason: 'twice' };
    const send = () => page.request.post('/stop', { form, headers: { origin: rig.url }, maxRedirects: 0 });
    const answers = await Promise.all([send(), send(), send()]);
    expect(answers.map((answer) => answer.headers()['location'])).toEqual(Array(3).fill(`/stops/${form.stopId}`));
    expect(await stopsOf(`agent:${agentId}`)).toHaveLength(1);
  });

  it('shows a viewer no Stop that looks live, and takes none from one', async () => {
    const agentId = await runningAgent();
    const { page } = await rig.open('vera@viewer');
    await page.goto('/');
    expect(await page.locator('[data-stop], dialog, main .stop').count()).toBe(0);
    expect(await page.locator('.top .stop.off').innerText()).toBe('View only');
    expect((await page.goto(`/stop?scope=agent:${agentId}`))?.status()).toBe(403);
    const refused = await page.request.post('/stop', {
      form: { scope: `agent:${agentId}`, stopId: newId('stop') },
      headers: { origin: rig.url },
    });
    expect(refused.status()).toBe(403);
    expect(await stopsOf(`agent:${agentId}`)).toEqual([]);
  });

  it('never says stopped where nobody confirmed it, and names the way around', async () => {
    const agentId = await runningAgent();
    const lonely = rig.control.withDeps({ stopUrl: 'http://127.0.0.1:9' });
    const answer = await lonely.app.request('/stop', {
      method: 'POST',
      headers: {
        host: 'localhost',
        authorization: 'Bearer olga@operator',
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ scope: `agent:${agentId}`, stopId: newId('stop') }).toString(),
    });
    const text = await answer.text();
    expect([answer.status, text.includes('Not stopped')]).toEqual([503, true]);
    expect(text.replaceAll(/<[^>]*>/g, '')).toContain(`estop stop scope agent:${agentId} --direct --yes`);
  });

  it('is signed in by a link, and stops with what the browser then holds', async () => {
    const agentId = await runningAgent();
    const made = await rig.control.call('POST', '/v1/login-links', {
      as: 'olga@operator',
      body: { next: `/stop?scope=agent:${agentId}` },
    });
    const { context } = await rig.open('nobody', { ...phone, extraHTTPHeaders: {} });
    const page = await context.newPage();
    await page.goto(String(field(made.body, 'url')));
    await page.getByRole('button', { name: 'Sign in as olga' }).click();
    // The stop process hears who is signed in within about a second.
    await expect
      .poll(
        async () => {
          await page.goto(`/stop?scope=agent:${agentId}`);
          await page.getByRole('button', { name: `Stop agent ${agentId} now` }).click();
          await page.locator('h1').waitFor();
          return new URL(page.url()).pathname;
        },
        { timeout: 15_000 },
      )
      .toMatch(/^\/stops\/stop_test_/);
    expect(await stopsOf(`agent:${agentId}`)).toMatchObject([{ actor: 'olga' }]);
  });

  it('is there while the store is away: nothing can be read, and the Stop waits for nothing', async () => {
    const agentId = await runningAgent();
    const lonely = rig.control.withDeps({ store: silentStore });
    const ask = (path: string, body?: string) =>
      lonely.app.request(path, {
        ...(body === undefined ? {} : { method: 'POST', body }),
        headers: {
          host: 'localhost',
          authorization: 'Bearer olga@operator',
          accept: 'text/html',
          ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        },
      });
    const form = await (await ask(`/stop?scope=agent:${agentId}`)).text();
    expect(form.replaceAll(/<[^>]*>/g, '')).toContain(`Stop agent ${agentId} now`);
    expect(form).toContain('could not be counted');
    const stopId = newId('stop');
    const stopped = await ask('/stop', new URLSearchParams({ scope: `agent:${agentId}`, stopId }).toString());
    expect([stopped.status, stopped.headers.get('location')]).toEqual([303, `/stops/${stopId}`]);
    expect(await stopsOf(`agent:${agentId}`)).toHaveLength(1);
  });

  it('says NOT CONNECTED once the control API is gone, and its Stop no longer looks live', async () => {
    const own = await startConsole();
    const agent = await addAgent(own.control.ledger);
    await startTask(own.control.ledger, agent);
    const { page } = await own.open('olga@operator', phone);
    await page.goto('/');
    await page.locator('html[data-link=live]').waitFor();
    expect(await page.locator('#lost').isVisible()).toBe(false);
    await own.killControl();
    await page.locator('#lost').waitFor({ state: 'visible' });
    expect(await page.locator('#lost').innerText()).toMatch(
      /NOT CONNECTED[\s\S]*estop stop scope fleet --direct --yes/,
    );
    const style = await page.evaluate(`getComputedStyle(document.querySelector('.top a[data-stop]')).backgroundColor`);
    expect(style).toBe('rgba(0, 0, 0, 0)');
    // It is said to be disabled, and still leads to the words that help.
    await page.locator('.top a[data-stop]').click({ force: true });
    expect(await page.locator('#stop-dialog [data-confirm]').getAttribute('aria-disabled')).toBe('true');
    expect(await page.locator('#stop-dialog [data-cut-off]').isVisible()).toBe(true);
  });

  it('works in the ninth tab of one browser, and each of them hears what happens', async () => {
    const agentId = await runningAgent();
    const { context, page } = await rig.open('olga@operator');
    const tabs = [page, ...(await Promise.all(Array.from({ length: 8 }, () => context.newPage())))];
    for (const tab of tabs) {
      await tab.goto('/');
      await tab.locator('html[data-link=live]').waitFor();
    }
    await tabs[8]?.locator(`#agent-${agentId}`).getByRole('link', { name: 'Stop' }).click();
    await tabs[8]?.locator('[data-confirm]').click();
    await tabs[8]?.waitForURL(/\/stops\/stop_test_/);
    for (const tab of tabs.slice(0, 8)) await tab.locator(`#agent-${agentId} .chip.bad`).waitFor();
  });

  it('is right on every part of its page while it goes on, with a script and without one, and once somebody else has reset it', async () => {
    const { ledger } = rig.control;
    const agent = await addAgent(ledger);
    const task = await startTask(ledger, agent);
    const { page } = await rig.open('olga@operator');
    const plain = (await rig.open('olga@operator', { javaScriptEnabled: false })).page;
    await page.goto(`/stop?scope=agent:${agent.agentId}`);
    await page
      .locator('main')
      .getByRole('button', { name: `Stop agent ${agent.agentId} now` })
      .click();
    await page.waitForURL(/\/stops\/stop_test_/);
    await page.locator('html[data-link=live]').waitFor();
    const stopId = new URL(page.url()).pathname.split('/')[2] ?? '';
    await page.getByText('Not proved yet. The work').waitFor();
    await page.getByLabel('Why it is safe again').fill('half a reas');
    await page.locator('h1').click(); // and looks elsewhere
    const revoker = ledger.as('estop_revoker');
    await fence(ledger, stopId);
    await closeTasks(revoker, [task.taskId], 'terminated');
    for (const stage of ['halted', 'revoked'] as const) await markStage(revoker, stopId, stage);
    for (const after of [0, 1]) await markSweep(revoker, stopId, after);
    await markStage(revoker, stopId, 'proved');
    const isOver = async (seen: Page): Promise<void> => {
      await seen.locator('.verdict', { hasText: 'Proved: nothing to revoke' }).waitFor();
      expect(await seen.getByText(/Not (proved|fenced) yet/).count()).toBe(0);
      expect(await seen.locator('#stop-facts').innerText()).toContain('nothing-to-revoke');
      expect(await seen.locator('.timeline').innerText()).toContain('halted: 1 of 1 task seen closed');
    };
    await isOver(page);
    // What somebody writes is theirs, whatever happens around it.
    expect(await page.getByLabel('Why it is safe again').inputValue()).toBe('half a reas');
    await plain.goto(`/stops/${stopId}`);
    await isOver(plain);

    const reset = await rig.control.call('POST', `/v1/stops/${stopId}:reset`, {
      as: 'oscar@operator',
      body: { reason: 'it was a drill' },
    });
    expect(reset.status).toBe(200);
    await page.getByText('Nothing restarted by it').waitFor();
    await page.getByRole('heading', { name: `Past stop of agent ${agent.agentId}` }).waitFor();
    expect(await page.getByRole('button', { name: 'Reset this stop' }).count()).toBe(0);
  });

  it('a stop is reset by who may, with a reason, and its name typed; a note is kept beside it', async () => {
    const agentId = await runningAgent();
    const { page } = await rig.open('olga@operator', { javaScriptEnabled: false });
    await page.goto(`/stop?scope=agent:${agentId}`);
    await page.getByRole('button', { name: `Stop agent ${agentId} now` }).click();
    await page.waitForURL(/\/stops\//);
    const address = new URL(page.url()).pathname;
    // Whoever writes without a script has the page stand still first.
    await page.getByRole('link', { name: 'Have it stand still' }).click();
    await page.getByRole('link', { name: 'Have it look again by itself' }).waitFor();
    expect(await page.content()).not.toContain('http-equiv="refresh"');
    await page.getByLabel('Add the reason').fill('it wrote to the wrong ledger');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByText('note: it wrote to the wrong ledger').waitFor();
    expect(await page.content()).toContain('http-equiv="refresh"');
    await page.goto('about:blank');
    const stopId = address.split('/')[2] ?? '';
    await rig.control.ledger.as('estop_revoker').query('SELECT estop.note_stop_seen($1)', [stopId]);
    await rig.control.ledger.as('estop_revoker').query('SELECT estop.report_fence($1, 3000)', [stopId]);

    const vera = await rig.open('vera@viewer');
    await vera.page.goto(address);
    expect(await vera.page.getByRole('button', { name: 'Reset this stop' }).count()).toBe(0);
    const refused = await vera.page.request.post(`${address}/reset`, {
      form: { reason: 'x', typed: `agent:${agentId}` },
      headers: { origin: rig.url },
    });
    expect(refused.status()).toBe(403);

    const other = await stop(rig.control.ledger, `agent:${agentId}`);
    await page.goto(`${address}?still=true`);
    await page.getByText('Also stopped by 1 other stop').waitFor();
    await page.getByLabel('Why it is safe again').fill('the ledger is fixed');
    await page.getByLabel(/^Type/).fill('agent:another');
    await page.getByRole('button', { name: 'Reset this stop' }).click();
    await page.getByText(/to say that it is this one/).waitFor();
    await page.goto(`${address}?still=true`);
    await page.getByLabel('Why it is safe again').fill('the ledger is fixed');
    await page.getByLabel(/^Type/).fill(`agent:${agentId}`);
    await page.getByRole('button', { name: 'Reset this stop' }).click();
    await page.getByText('Nothing restarted by it').waitFor();
    expect(await page.locator(`#stop-reset a[href="/stops/${other.stopId}"]`).innerText()).toBe(`agent:${agentId}`);
    expect(await page.locator('.timeline').innerText()).toContain('refused attempt: resetStop (forbidden)');
    await vera.page.goto(address);
    await vera.page.getByText('Also stopped by 1 other stop').waitFor();
    expect(await axeFindings(vera.page)).toEqual([]);
  });
});
