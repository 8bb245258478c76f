import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll } from 'vitest';
import { chromiumPath } from '../../bench/chromium-path.ts';

let running: Promise<Browser> | undefined;
afterAll(async () => {
  await (await running)?.close();
});

/** One for a test file. Debian's own, told to leave the network alone; its profile is new and goes with it. */
export function browser(): Promise<Browser> {
  running ??= chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return running;
}

/**
 * What axe finds wrong with the page as it stands, as sentences. Run by the debugger, so that the page's own policy stays in force.
 * `colours`: only what a colour scheme can change.
 */
export async function axeFindings(
  page: Page,
  only: 'everything' | 'colours' = 'everything',
): Promise<readonly string[]> {
  const session = await page.context().newCDPSession(page);
  try {
    const evaluate = async (expression: string): Promise<unknown> => {
      const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
        expression,
        awaitPromise: true,
        returnByValue: true,
      });
      if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? 'axe failed');
      return result.value;
    };
    await evaluate(`window.axe ? undefined : (() => { ${axe.source} })()`);
    const found =
      await evaluate(`axe.run(document, { resultTypes: ['violations'], ${only === 'colours' ? "runOnly: ['color-contrast']" : ''} }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ': ' + html.slice(0, 160) + ' ' + failureSummary)))`);
    return found as readonly string[]; // made of texts, one line up
  } finally {
    await session.detach();
  }
}

/** Whatever a page's policy refused, and whatever its script threw. */
export function watchForFaults(context: BrowserContext): readonly string[] {
  const faults: string[] = [];
  context.on('page', (page) => {
    page.on('console', (message) => {
      if (message.type() === 'error' && !/Failed to load resource|net::ERR/.test(message.text()))
        faults.push(message.text());
    });
    page.on('pageerror', (error) => faults.push(String(error)));
  });
  return faults;
}
