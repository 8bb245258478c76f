/**
 * The pictures of the README, made from a system that runs: the demo's agents and systems, one of which hangs, and one stop. Nothing in them
 * is drawn by hand but the frame of the terminal. `npm run pictures`.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BrowserContextOptions, chromium } from 'playwright-core';
import { chromiumPath } from '../../bench/chromium-path.ts';
import { type Cast, castOf } from '../../examples/demo/cast.ts';
import { muteNotices } from '../../examples/demo/mute-notices.ts';
import { startWorld } from '../../examples/demo/world.ts';
import { startInstallation } from '../../src/runtime/installation/installation.ts';
import { packageRoot } from '../../src/runtime/package-root.ts';
import { hasReached } from '../../src/sdk/stops.ts';
import { runInTerminal } from './run-in-terminal.ts';
import { screenAfter } from './screen.ts';
import { smallPng } from './small-png.ts';
import { terminalSvg } from './terminal-svg.ts';

const images = join(packageRoot, 'docs', 'images');
const columns = 118;
const words = ['stop', 'agent', 'billing-bot', '--reason', 'refunds nobody asked for'];
const phone: BrowserContextOptions = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true };
const desktop: BrowserContextOptions = { viewport: { width: 1080, height: 760 }, deviceScaleFactor: 1.5 };

async function startCast(folder: string): Promise<Cast> {
  const world = await startWorld(true, join(folder, 'world'));
  const installation = await startInstallation({
    stateFolder: join(folder, 'estop'),
    configPath: world.configPath,
    environment: 'dev',
    onServersUp: ({ temporalAddress }) => world.writeConfig(temporalAddress),
    onProgress: (line) => void process.stderr.write(`${line}\n`),
    env: world.secrets,
  });
  return castOf(world, installation);
}

async function until(what: string, look: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; waited < 60_000; waited += 100) {
    if (await look()) return;
    await sleep(100);
  }
  throw new Error(`waited a minute for ${what}`);
}

/** A task at work, with a child that asks a person for something. */
async function startWork({ service, operator }: Cast): Promise<void> {
  await service.tasks.start({ agentId: 'billing-bot', prompt: 'Remind everybody whose invoice is overdue.' });
  await until('a call that waits', async () => (await operator.approvals.list()).items.length > 0);
}

async function picture(cast: Cast, name: string, page: string, options: BrowserContextOptions): Promise<void> {
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    const tab = await (await browser.newContext({ ...options, colorScheme: 'light' })).newPage();
    const { url } = await cast.operator.signIn.makeLink({ next: page });
    await tab.goto(url);
    await tab.getByRole('button').click();
    await tab.getByRole('heading', { level: 1 }).waitFor();
    await sleep(1_000); // what is live has arrived
    writeFileSync(join(images, `${name}.png`), smallPng(await tab.screenshot()));
  } finally {
    await browser.close();
  }
}

async function makePictures(cast: Cast): Promise<void> {
  await startWork(cast);
  await picture(cast, 'now', '/', desktop);
  await cast.world.oauthProxy.addToxic('hang', { type: 'timeout', timeout: 0 });
  const terminal = runInTerminal(words, columns, dirname(cast.installation.profilePath));
  let stopId = '';
  await until('a stop that waits for one system alone', async () => {
    const [stop] = (await cast.operator.stops.list({})).items;
    if (stop === undefined) return false;
    ({ stopId } = stop);
    const { lanes } = await cast.operator.stops.get(stopId);
    return lanes.length > 0 && lanes.every(({ connector, state }) => connector === 'crm' || state === 'proved');
  });
  await sleep(3_000); // a try or two that were not answered
  await picture(cast, 'stop-on-a-phone', `/stops/${stopId}`, phone);
  await cast.world.oauthProxy.removeToxic('hang');
  await until('its proof', async () => hasReached(await cast.operator.stops.get(stopId), 'proved'));
  const typed = `$ npx estop ${words.map((word) => (word.includes(' ') ? `'${word}'` : word)).join(' ')}\n`;
  const shown = screenAfter(`\u001b[1m${typed}\u001b[22m${await terminal}`);
  writeFileSync(
    join(images, 'stop-in-a-terminal.svg'),
    terminalSvg(shown, columns, 'estop stop, from the order to the proof'),
  );
}

muteNotices();
mkdirSync(images, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), 'estop-pictures-'));
const cast = await startCast(folder);
try {
  await makePictures(cast);
} finally {
  await cast.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
