import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { latch } from '../../src/store/latch.ts';
import { requires } from '../kit/requires.ts';
import { addAgent, order, startTask } from '../store/ledger.ts';
import { axeFindings } from './browser.ts';
import { startConsole } from './rig.ts';

/** The clock of a phone that is wrong. */
const tenMinutesAhead = `(() => {
  const True = Date;
  globalThis.Date = class extends True {
    constructor(...given) {
      given.length === 0 ? super(True.now() + 600000) : super(...given);
    }
    static now() {
      return True.now() + 600000;
    }
  };
})()`;

/** Of one link to a stop: the line around it is whole where it looks live. */
const borderIn = (page: Page, index: number) =>
  page.evaluate(`getComputedStyle(document.querySelectorAll('a.stop')[${index}]).borderTopStyle`);

requires('chromium')('a console that is cut off', () => {
  it('says so where somebody in between answers for a control API that is gone', async () => {
    const { open, killControl, url } = await startConsole();
    const { page } = await open('olga@operator');
    await page.goto('/');
    await page.locator('html[data-link=live]').waitFor();
    await killControl();
    const between = createServer((_request, response) => response.writeHead(502).end('<h1>Bad Gateway</h1>'));
    await new Promise<void>((resolve) => void between.listen(Number(new URL(url).port), '127.0.0.1', resolve));
    try {
      await page.locator('html[data-link=lost]').waitFor({ timeout: 20_000 });
      expect(await page.locator('#lost').innerText()).toContain('NOT CONNECTED');
    } finally {
      between.close();
      between.closeAllConnections();
    }
  }, 40_000);

  it('leads whoever is signed out to a sign-in, and says something else once they are back and it is gone', async () => {
    const { open, killControl } = await startConsole();
    const { page, context } = await open('olga@operator');
    await page.goto('/agents?search=bot');
    await page.locator('html[data-link=live]').waitFor();
    await context.setExtraHTTPHeaders({});
    const lost = page.locator('#lost');
    await page.locator('html[data-link=out]').waitFor({ timeout: 20_000 });
    expect(await lost.innerText()).toContain('You are signed out');
    expect(await lost.getByRole('link', { name: 'Sign in again' }).getAttribute('href')).toBe('/agents?search=bot');
    await context.setExtraHTTPHeaders({ authorization: 'Bearer olga@operator' });
    await page.locator('html[data-link=live]').waitFor({ timeout: 20_000 });
    expect(await lost.isVisible()).toBe(false);
    await killControl();
    await page.locator('html[data-link=lost]').waitFor({ timeout: 20_000 });
    expect(await lost.innerText()).toMatch(/This page shows how it was at/);
    expect(await lost.innerText()).not.toContain('signed out');
  }, 60_000);

  it('is not current while the store cannot be read, says so, keeps its Stop, and looks again when the store is back', async () => {
    const { open, control } = await startConsole();
    const { ledger } = control;
    const agent = await addAgent(ledger);
    await startTask(ledger, agent);
    const placed = order(`agent:${agent.agentId}`);
    await latch(ledger.as('estop_stop'), placed);
    const { page } = await open('olga@operator');
    await page.addInitScript(tenMinutesAhead);
    const { page: other } = await open('olga@operator');
    await page.goto('/');
    await page.locator('html[data-link=live]').waitFor();
    await pause(2_500); // it has looked again by itself
    expect(await page.locator('#old').isVisible()).toBe(false);
    const storeIs = async (isThere: boolean): Promise<void> => {
      const [{ name } = { name: '' }] = await ledger.sql('SELECT current_database() AS name');
      await ledger.sql(`ALTER DATABASE "${String(name)}" CONNECTION LIMIT ${isThere ? -1 : 0}`);
      await ledger.sql(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename <> current_user',
      );
    };
    await storeIs(false);
    try {
      await page.locator('html[data-old]').waitFor({ timeout: 20_000 });
      expect(await page.locator('#old').innerText()).toMatch(/NOT CURRENT.*shows how it was at/);
      // By the clock of the server, whatever that of the phone says.
      const [, seen = ''] = /at (\d\d:\d\d:\d\d) UTC/.exec(await page.locator('#old').innerText()) ?? [];
      const off = Math.abs(Date.parse(`${new Date().toISOString().slice(0, 11)}${seen}Z`) - Date.now());
      expect(Math.min(off, 86_400_000 - off)).toBeLessThan(300_000);
      expect([await page.locator('#lost').isVisible(), await page.locator('.link').innerText()]).toEqual([
        false,
        'Not current',
      ]);
      expect(await page.locator('.top a[data-stop]').getAttribute('aria-disabled')).toBeNull();
      expect(await axeFindings(page)).toEqual([]);
      await other.goto(`/stops/${placed.stopId}`);
      expect(await other.locator('main').innerText()).toMatch(
        /How far this stop is cannot be read just now[^]*looks again by itself/,
      );
    } finally {
      await storeIs(true);
    }
    await page.locator('html:not([data-old])').waitFor({ timeout: 20_000 });
    expect(await page.locator('.link').innerText()).toBe('Live');
    await other.getByRole('heading', { name: /^Stop of/ }).waitFor({ timeout: 20_000 });
  }, 90_000);

  it('keeps its page, what was written there and the way to stop without it, whatever is pressed, until somebody is there again', async () => {
    const { open } = await startConsole();
    const { page, context } = await open('olga@operator');
    await page.goto('/stop');
    await page.locator('html[data-link=live]').waitFor();
    const everything = page.getByRole('link', { name: 'Everything…' });
    const lost = page.locator('#lost');
    const borderOf = (index: number) => borderIn(page, index);
    expect(await borderOf(0)).toBe('solid');
    await context.setOffline(true);
    await page.locator('html[data-link=lost]').waitFor({ timeout: 20_000 });
    for (const index of [0, 1]) {
      expect(await page.locator('a.stop').nth(index).getAttribute('aria-disabled')).toBe('true');
      expect(await borderOf(index)).toBe('dashed');
    }
    // On the narrowest phone no word of the command is broken in two.
    await page.setViewportSize({ width: 320, height: 640 });
    const heights = `[...document.querySelectorAll('#lost .command span')].map((word) => word.offsetHeight)`;
    const words = await page.evaluate<readonly number[]>(heights);
    expect([words.length, new Set(words).size]).toEqual([3, 1]);
    await everything.press('Enter');
    const dialog = page.getByRole('dialog');
    expect(await dialog.innerText()).toMatch(/Not connected\.[^]*estop stop scope fleet --direct --yes/);
    await dialog.locator('[data-confirm]').press('Enter');
    await dialog.getByText('nothing says that this is stopped').waitFor();
    await page.keyboard.press('Escape');
    await page.getByLabel('Any scope').fill('agent:billing-bot');
    await page.getByRole('button', { name: 'Go on' }).press('Enter');
    await lost.getByText('Nothing was sent.').waitFor();
    await page.getByRole('navigation').getByRole('link', { name: 'Approvals' }).press('Enter');
    await lost.getByText('There is nobody to ask for that page.').waitFor();
    expect(await page.getByLabel('Any scope').inputValue()).toBe('agent:billing-bot');
    expect(await axeFindings(page)).toEqual([]);
    await context.setOffline(false);
    await page.locator('html[data-link=live]').waitFor({ timeout: 20_000 });
    expect(await everything.getAttribute('aria-disabled')).toBeNull();
    await page.getByRole('navigation').getByRole('link', { name: 'Approvals' }).press('Enter');
    await page.waitForURL('**/approvals');
  }, 60_000);

  it.each([
    ['opens over any page', '/agents'],
    ['is a page', '/stop?scope=agent:billing-bot'],
  ])(
    'sends an order to stop all the same, for that nobody is there may be wrong: from the Stop that %s',
    async (_which, path) => {
      const { open } = await startConsole();
      const { page } = await open('olga@operator');
      await page.route('**/ping', (route) => route.abort());
      await page.goto(path);
      await page.locator('html[data-link=lost]').waitFor({ timeout: 20_000 });
      await page.getByRole('navigation').getByRole('link', { name: 'Approvals' }).press('Enter');
      await page.waitForURL('**/approvals');
      await page.goto(path);
      await page.locator('html[data-link=lost]').waitFor({ timeout: 20_000 });
      const asked = page.locator('main button.stop');
      if ((await asked.count()) === 0) {
        await page.locator('.top a[data-stop]').press('Enter');
        await page.locator('[data-confirm]').press('Enter');
      } else {
        expect(await asked.getAttribute('aria-disabled')).toBe('true');
        await asked.press('Enter');
      }
      await expect.poll(() => page.url(), { timeout: 15_000 }).toContain('/stops/stop_');
      expect(await page.getByRole('heading', { level: 1 }).innerText()).toMatch(/^Stop of/);
    },
    60_000,
  );

  it('has a Stop that looks dead, and is tried all the same, while nobody takes orders', async () => {
    const { open, stopServer } = await startConsole();
    const { page } = await open('olga@operator');
    await page.goto('/');
    await page.locator('html[data-link=live]').waitFor();
    expect(await page.locator('#mute').isVisible()).toBe(false);
    await stopServer.close();
    await page.locator('html[data-mute]').waitFor({ timeout: 20_000 });
    expect(await page.locator('#mute').innerText()).toMatch(
      /STOP DOES NOT ANSWER[^]*estop stop scope fleet --direct --yes/,
    );
    const stop = page.locator('.top a[data-stop]');
    expect(await borderIn(page, 0)).toBe('dashed');
    expect(await axeFindings(page)).toEqual([]);
    await stop.press('Enter');
    await page.getByRole('dialog').locator('[data-confirm]').press('Enter');
    await page.getByRole('heading', { name: 'Not stopped' }).waitFor({ timeout: 20_000 });
    const back = createServer((_request, response) => response.writeHead(200).end('{}'));
    await new Promise<void>((resolve) => void back.listen(stopServer.port, '127.0.0.1', resolve));
    try {
      await page.locator('html:not([data-mute])').waitFor({ timeout: 20_000 });
      expect(await page.locator('#mute').isVisible()).toBe(false);
    } finally {
      back.close();
      back.closeAllConnections();
    }
  }, 60_000);
});
