import type { BrowserContextOptions } from 'playwright-core';
import { expect, it } from 'vitest';
import { axeFindings, browser, watchForFaults } from '../console/browser.ts';
import { requires } from '../kit/requires.ts';
import { callback, type clientBed } from './client-bed.ts';

/** The page on which a person says which agent a client may be, and what they see afterwards, in a real browser. On the bed of the others. */
export function consentLooks(bed: ReturnType<typeof clientBed>): void {
  const { asking, sessions, signedIn } = bed;

  requires('chromium')('to the eyes and hands of its person', () => {
    const looks: readonly BrowserContextOptions[] = [
      { colorScheme: 'light', viewport: { width: 320, height: 640 } },
      { colorScheme: 'dark', viewport: { width: 1_280, height: 800 } },
    ];

    it.each(looks)('can be read and used by everybody: %j', async (look) => {
      const context = await (await browser()).newContext({ baseURL: bed.issuer, ...look });
      const faults = watchForFaults(context);
      let leadsTo: string | undefined;
      // The last page leads on to the client by itself; here it stays, so that it can be looked at.
      await context.route(`${bed.issuer}/oauth/authorize`, async (route) => {
        const response = await route.fetch();
        const { refresh, ...headers } = response.headers();
        if (route.request().method() === 'POST') leadsTo = refresh;
        await route.fulfill({ response, headers });
      });
      const olga = await signedIn('olga@operator');
      await context.addCookies(
        [...(olga.cookies.get(bed.issuer) ?? [])].map(([name, value]) => ({ name, value, url: bed.issuer })),
      );
      const page = await context.newPage();
      const expectReadable = async (): Promise<void> => {
        expect(await axeFindings(page)).toEqual([]);
        const wide = await page.locator('html').evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
        expect(wide, 'nothing to scroll sideways').toBe(0);
        for (const one of await page.locator('button, select, input:not([type=hidden])').all())
          expect((await one.boundingBox())?.height, await one.innerText()).toBeGreaterThanOrEqual(44);
      };
      await page.goto(await asking());
      await page.getByRole('heading', { name: 'Connect a client' }).waitFor();
      await expectReadable();
      const before = (await sessions()).length;
      await page.getByRole('button', { name: 'Connect', exact: true }).press('Enter');
      await page.getByRole('link', { name: /Back to the client/ }).waitFor();
      await expectReadable();
      expect(leadsTo).toContain(`0; url=${callback}?`);
      expect((await sessions()).length, 'a session is opened by the client, with its code').toBe(before);
      await page.goto(await asking({ redirect_uri: 'https://evil.example/callback' }));
      await expectReadable();
      expect(faults).toEqual([]);
      await context.close();
    });
  });
}
