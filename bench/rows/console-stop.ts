import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { type Browser, chromium } from 'playwright-core';
import type { Bed } from '../bed.ts';
import { chromiumPath } from '../chromium-path.ts';
import { type Figure, figure, percentile } from '../figure.ts';
import type { Row } from '../row.ts';

const agents = 100;

/** A phone on a bad line: a quarter of this machine's speed, 400 kbit/s, 400 ms before the first byte of anything. */
const line = { offline: false, latency: 400, downloadThroughput: 50_000, uploadThroughput: 50_000 };

/**
 * Until the Stop of the first page is painted in its colour: cold, with a hundred agents running. The DOM is no measure, because the
 * stylesheet holds up what is seen.
 */
export const consoleStop: Row = {
  name: 'console-stop',
  needs: 'bed',
  run: async (bed, { quick, say }): Promise<readonly Figure[]> => {
    if (!existsSync(chromiumPath)) {
      say('console-stop: not run, there is no Chromium (Debian: apt-get install chromium-headless-shell)');
      return [];
    }
    const samples = quick ? 3 : 5;
    const [browser, bare] = await Promise.all([
      chromium.launch({
        executablePath: chromiumPath,
        args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
      }),
      serveBarePage(),
      fill(bed),
    ]);
    try {
      const [painted, weights, least]: [number[], number[], Seen[]] = [[], [], []];
      for (let i = 0; i < samples; i += 1) {
        const { controlUrl, token } = bed.installation.profile;
        // No bar is held against it, and every page takes seconds.
        if (i === 0 || !quick) least.push(await openCold(browser, bare.url, token));
        const seen = await openCold(browser, controlUrl, token);
        painted.push(seen.paintedMs);
        weights.push(seen.bytes);
      }
      return [
        figure({
          name: `Stop painted, phone, bad line, cold, ${agents} agents, p50 of ${samples}`,
          value: percentile(painted, 50),
          unit: 'ms',
          rival: percentile(
            least.map(({ paintedMs }) => paintedMs),
            50,
          ),
          rivalName: 'a page of one button and its colour',
          bar: '<= 1,300 ms',
          holds: (value) => value <= 1_300,
        }),
        figure({
          name: 'first page with stylesheet and script, on the wire',
          value: Math.max(...weights) / 1_000,
          unit: 'kB',
          rival: (least[0]?.bytes ?? 0) / 1_000,
          rivalName: 'a page of one button and its colour',
          bar: '<= 30 kB',
          holds: (value) => value <= 30,
        }),
      ];
    } finally {
      await browser.close();
      bare.close();
      await empty(bed);
    }
  },
};

interface Seen {
  readonly paintedMs: number;
  readonly bytes: number;
}

/** A new profile each time: nothing is cached, no connection is open. */
async function openCold(browser: Browser, url: string, token: string): Promise<Seen> {
  const context = await browser.newContext({
    viewport: { width: 412, height: 839 },
    deviceScaleFactor: 2.625,
    isMobile: true,
    hasTouch: true,
    extraHTTPHeaders: { authorization: `Bearer ${token}` },
  });
  try {
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    await session.send('Network.emulateNetworkConditions', line);
    await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
    let bytes = 0;
    session.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength;
    });
    await page.addInitScript(whenPainted);
    await page.goto(url, { waitUntil: 'load' });
    const paintedMs = Number(await page.evaluate('window.stopPainted'));
    // What the script asks for afterwards is not of the first page.
    return { paintedMs, bytes };
  } finally {
    await context.close();
  }
}

/** In the page: the frame after the one in which the button has its colour. */
const whenPainted = `window.stopPainted = new Promise((resolve) => {
  const look = () => {
    const button = document.querySelector('.top a.stop');
    const seen = button && button.getBoundingClientRect().height > 0 && getComputedStyle(button).backgroundColor !== 'rgba(0, 0, 0, 0)';
    requestAnimationFrame(seen ? () => setTimeout(() => resolve(performance.now())) : look);
  };
  look();
});`;

/** The least that any page can be: what this line and this machine allow. */
async function serveBarePage(): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    if (request.url === '/s.css') {
      response.writeHead(200, { 'content-type': 'text/css' });
      return response.end('.stop{background:#c00}');
    }
    response.writeHead(200, { 'content-type': 'text/html' });
    return response.end(
      '<!doctype html><meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/s.css"><div class="top"><a class="stop" href="/stop">Stop</a></div>',
    );
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}/`, close: () => void server.close() };
}

const mark = 'bench-console';

/** Rows alone: what is measured is a page over a hundred running agents, not a hundred agents. */
async function fill({ postgres, installation: { profile } }: Bed): Promise<void> {
  await postgres.query(
    `INSERT INTO estop.agents (agent_id, owner, stop_holder, spec)
     SELECT '${mark}-' || n, 'owner ' || n, 'holder ' || n, '{}' FROM generate_series(1, ${agents}) n`,
  );
  await postgres.query(
    `INSERT INTO estop.tasks (task_id, agent_id, root_id, ancestors, agents, keys, epoch, depth, purpose, kind, requested_by, state)
     SELECT t, a, t, '{}', ARRAY[a], ARRAY['fleet', 'agent:' || a, 'task:' || t], 0, 0, $1, 'task', 'bench', 'registered'
     FROM (SELECT 'task_${profile.environment}_' || lpad(n::text, 26, '0') AS t, '${mark}-' || n AS a FROM generate_series(1, ${agents}) n) x`,
    [mark],
  );
}

async function empty({ postgres }: Bed): Promise<void> {
  await postgres.query('DELETE FROM estop.tasks WHERE purpose = $1', [mark]);
  await postgres.query('DELETE FROM estop.agents WHERE starts_with(agent_id, $1)', [`${mark}-`]);
}
