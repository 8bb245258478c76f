import { createServer, type Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import type { SecretAt } from '../contract/config.ts';
import type { GuardedFetch } from '../runtime/guarded-fetch.ts';
import { keepRoom } from '../runtime/keep-room.ts';
import { storeNow } from '../store/installation.ts';
import { openStore, type Store } from '../store/pool.ts';
import { pruneRequests } from '../store/requests.ts';
import { listenForStops } from '../store/stop-hints.ts';
import { createClientDocuments } from './agent-clients/client-documents.ts';
import { createControlApp } from './app.ts';
import { createApproverList } from './approvers/approver-list.ts';
import type { ControlDeps } from './deps.ts';
import { createEventFeed } from './events/event-feed.ts';
import { looksForChanges } from './events/look-for-changes.ts';
import { isLoopback, refuseRemoteBind } from './guard-caller.ts';
import { applyPeople } from './sign-in/apply-people.ts';
import { createCallers } from './sign-in/callers.ts';
import { createIdentityProvider } from './sign-in/identity-provider.ts';
import { createPublishedKeys } from './sign-in/published-keys.ts';
import { createServiceVerifier } from './sign-in/services.ts';
import { createStoreClock } from './store-clock.ts';

export interface ControlServerOptions
  extends Omit<
    ControlDeps,
    'store' | 'clock' | 'events' | 'callers' | 'approvers' | 'loginLinks' | 'identityProvider' | 'clientDocuments'
  > {
  readonly databaseUrl: string;
  readonly guardedFetch: GuardedFetch;
  readonly readSecret: (reference: SecretAt) => string;
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly allowRemote: boolean;
}

export interface ControlServer {
  readonly url: string;
  readonly port: number;
  readonly deps: ControlDeps;
  close(): Promise<void>;
}

/** With its own to the store, fewer than the 1,024 files that some systems give to a service. */
const connectionsAtMost = 768;
const connections = 5;
/** Of their own: who watches hears of a stop also while everything else waits in line. One of them hears the hint. */
const feedConnections = 3;
const hourMs = 60 * 60_000;
const keepRequestsMs = 24 * hourMs;
const closeGraceMs = 2_000;
/** A change of estop.yaml that met a store which was away. */
const applyPeopleEveryMs = 30_000;

/** Comes up without store and Temporal: /livez answers, /readyz says what is missing. */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const hasWayIn =
    options.config.current().signIn?.oidc !== undefined || options.authenticator.holdsTokens?.() !== false;
  refuseRemoteBind(options.host, options.allowRemote, hasWayIn);
  const { log, temporalUiUrl } = options;
  const open = (applicationName: string, max: number): Store =>
    openStore({
      url: options.databaseUrl,
      applicationName,
      max,
      queryTimeoutMs: 2_900,
      onError: (error) =>
        log.warn({ event: 'store.connection-lost', cause: error.message }, 'an idle connection to the store broke'),
    });
  const store = open('estop-control', connections);
  const feedStore = open('estop-control-feed', feedConnections);
  const events = createEventFeed({
    now: () => storeNow(feedStore),
    looks: looksForChanges({ store: feedStore, temporalUiUrl }),
    hints: (onHint) => listenForStops(feedStore, onHint),
    onFailure: () =>
      log.warn({ event: 'events.look-failed' }, 'the event feed could not read the ledger; it tries again'),
  });
  const keys = createPublishedKeys({ fetch: options.guardedFetch, log });
  const callers = createCallers({ ...options, store, services: createServiceVerifier({ ...options, keys }) });
  const identityProvider = createIdentityProvider({ ...options, fetch: options.guardedFetch, keys });
  const approvers = createApproverList({ ...options, store });
  const clock = createStoreClock(() => storeNow(store));
  clock.now(); // asked from now on, so that the first page is told the time already
  const deps: ControlDeps = {
    ...options,
    approvers,
    clientDocuments: createClientDocuments({ config: options.config, fetch: options.guardedFetch, log }),
    store,
    clock,
    events,
    callers,
    identityProvider,
    loginLinks: isLoopback(options.host),
  };
  deps.watch?.show(() => ({ listeners: events.listeners(), clockAheadMs: clock.aheadMs() }));
  const app = createControlApp(deps);
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    createServer,
    serverOptions: {
      headersTimeout: 5_000,
      requestTimeout: 15_000,
      keepAliveTimeout: 30_000,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 16_384,
    },
  }) as Server; // createServer of node:http makes exactly this
  keepRoom(server, { most: connectionsAtMost, mayRefuse: true, holdsRequests: true });
  const port = await listen(server, options.host, options.port);
  approvers.keepSaying();
  const pruning = setInterval(() => void pruneRequests(store, keepRequestsMs).catch(() => undefined), hourMs).unref();
  const applying = setInterval(
    () => void applyPeople(store, options.config.current()).catch(() => undefined),
    applyPeopleEveryMs,
  ).unref();
  return {
    port,
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    deps,
    close: async () => {
      clearInterval(pruning);
      clearInterval(applying);
      events.close();
      const ended = new Promise((resolve) => void server.close(resolve));
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), closeGraceMs).unref();
      await ended;
      await approvers.close();
      await Promise.all([store.end(), feedStore.end()]);
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
