import { createServer, type Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, inject } from 'vitest';
import type { EstopConfig } from '../../src/contract/config.ts';
import { freePort } from '../../src/runtime/local/free-port.ts';
import { type StopServer, startStopServer } from '../../src/stop/server.ts';
import { type ControlRig, makeControl } from '../control/rig.ts';
import { browser, watchForFaults } from './browser.ts';

export interface Window {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the page's policy refused and what its script threw. */
  readonly faults: readonly string[];
}

export interface ConsoleRig {
  readonly url: string;
  readonly control: ControlRig;
  readonly stopServer: StopServer;
  /** A browser window of somebody: `olga@operator`, with whatever a person's browser differs in. */
  open(as: string, options?: BrowserContextOptions): Promise<Window>;
  /** The control API is gone, as after a kill: every connection breaks and nobody listens. */
  killControl(): Promise<void>;
}

export const phone: BrowserContextOptions = {
  viewport: { width: 412, height: 839 },
  deviceScaleFactor: 2.625,
  isMobile: true,
  hasTouch: true,
};

const closers: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A window that stays open looks again at whatever the next tests do, and so do nine tabs. */
const windows: BrowserContext[] = [];
afterEach(async () => {
  await Promise.all(windows.splice(0).map((window) => window.close()));
});

/** The control app and the stop process as they run, on ports of their own, over one real store; people are known by name and role. */
export async function startConsole(config?: EstopConfig): Promise<ConsoleRig> {
  const made = await makeControl(config?.agents);
  const { ledger, deps } = made;
  const stopServer = await startStopServer({
    environment: 'test',
    host: '127.0.0.1',
    port: 0,
    databaseUrl: ledger.urls.estop_stop,
    temporalAddress: inject('temporalAddress') === '' ? '127.0.0.1:1' : inject('temporalAddress'),
    authenticator: deps.authenticator,
    proofs: deps.proofs,
    log: deps.log,
  });
  closers.push(() => stopServer.close());
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const control = made.withDeps({
    controlUrl: url,
    stopUrl: stopServer.url,
    ...(config === undefined ? {} : { config: { current: () => config } }),
  });
  const server = createAdaptorServer({
    fetch: control.app.fetch,
    overrideGlobalObjects: false,
    createServer,
  }) as Server; // createServer of node:http makes exactly this
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
  const killControl = async (): Promise<void> => {
    const ended = new Promise((resolve) => void server.close(resolve));
    server.closeAllConnections();
    await ended;
  };
  closers.push(killControl);
  return {
    url,
    control,
    stopServer,
    killControl,
    open: async (as, options = {}) => {
      const context = await (await browser()).newContext({
        baseURL: url,
        extraHTTPHeaders: { authorization: `Bearer ${as}` },
        ...options,
      });
      windows.push(context);
      const faults = watchForFaults(context);
      return { context, page: await context.newPage(), faults };
    },
  };
}
