import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
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
});
