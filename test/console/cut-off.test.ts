import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { requires } from '../kit/requires.ts';
import { startConsole } from './rig.ts';

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
});
