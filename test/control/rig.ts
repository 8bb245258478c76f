import { createHash } from 'node:crypto';
import { Client } from '@temporalio/client';
import { afterAll, inject } from 'vitest';
import type { AgentSpec, EstopConfig } from '../../src/contract/config.ts';
import type { Authenticator, Identity, Log, Role } from '../../src/contract/identity.ts';
import { namespaces } from '../../src/contract/names.ts';
import { createControlApp } from '../../src/control/app.ts';
import { createApproverList } from '../../src/control/approvers/approver-list.ts';
import type { ControlDeps } from '../../src/control/deps.ts';
import { createEventFeed } from '../../src/control/events/event-feed.ts';
import { looksForChanges } from '../../src/control/events/look-for-changes.ts';
import { createCallers } from '../../src/control/sign-in/callers.ts';
import { createIdentityProvider } from '../../src/control/sign-in/identity-provider.ts';
import { createStoreClock } from '../../src/control/store-clock.ts';
import { createTaskWorkflows } from '../../src/control/temporal-task-workflows.ts';
import { readPolicyFolder } from '../../src/policy/read-folder.ts';
import { guardedFetch } from '../../src/runtime/guarded-fetch.ts';
import { createFlowKeys } from '../../src/runtime/keys/flow-keys.ts';
import { ensureKeys, openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { createOperatorProofs } from '../../src/runtime/keys/operator-proof.ts';
import { createSealer } from '../../src/runtime/keys/sealer.ts';
import { createSecretSealer } from '../../src/runtime/keys/secret-sealer.ts';
import { createTaskTokenSigner, createTaskTokenVerifier } from '../../src/runtime/keys/task-token.ts';
import { lazyConnection } from '../../src/runtime/lazy-connection.ts';
import { policiesFolder } from '../../src/runtime/package-root.ts';
import { createDataConverter } from '../../src/runtime/temporal-connection.ts';
import { traceOfStarter } from '../../src/runtime/trace-of-starter.ts';
import { storeNow } from '../../src/store/installation.ts';
import type { Store } from '../../src/store/pool.ts';
import { createDatabase } from '../kit/postgres.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { agentSpec, type Ledger, makeLedger, putAgents } from '../store/ledger.ts';

export const allRoles: readonly Role[] = ['viewer', 'approver', 'operator', 'admin', 'service', 'agent-worker'];

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly text: string;
  readonly headers: Headers;
}

interface CallOptions {
  /** The token is the role's name; `name@role` makes another person of that role. */
  readonly as?: string;
  readonly body?: unknown;
  readonly raw?: string | Uint8Array;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ControlRig {
  readonly ledger: Ledger;
  readonly deps: ControlDeps;
  readonly app: ReturnType<typeof createControlApp>;
  readonly logged: readonly { readonly level: string; readonly fields: object }[];
  readonly temporal: Client;
  readonly verifier: ReturnType<typeof createTaskTokenVerifier>;
  call(method: 'GET' | 'POST', path: string, options?: CallOptions): Promise<Answer>;
  /** The same control API with some of its parts replaced. */
  withDeps(changes: Partial<ControlDeps>): ControlRig;
  setAgents(agents: readonly AgentSpec[]): Promise<void>;
}

/** The control API over a real store and a real Temporal; identities are by name of role. No workers run: workflows just stand. */
export async function makeControl(
  agents: readonly AgentSpec[] = [agentSpec('billing-bot'), agentSpec('mail-bot')],
): Promise<ControlRig> {
  const ledger = await makeLedger(createDatabase);
  const store = ledger.as('estop_control');
  const keys = tempFolder();
  ensureKeys(keys, 'test');
  const tokenOptions = { ring: openKeyRing(keys, 'token', 'test'), environment: 'test', trustDomain: 'example.org' };
  const connection = lazyConnection({
    address: inject('temporalAddress') === '' ? '127.0.0.1:1' : inject('temporalAddress'),
  });
  const dataConverter = createDataConverter(createSealer(openKeyRing(keys, 'codec', 'test')));
  const temporal = new Client({
    connection,
    namespace: namespaces.agents,
    dataConverter,
    interceptors: traceOfStarter,
  });
  let current = configOf([]);
  const logged: { level: string; fields: object }[] = [];
  const log = recordingLog(logged);
  const events = createEventFeed({
    now: () => storeNow(store),
    looks: looksForChanges({ store, temporalUiUrl: undefined }),
    onFailure: () => undefined,
    everyMs: 50,
  });
  closers.push(async () => {
    events.close();
    await connection.close();
  });
  const deps: ControlDeps = {
    environment: 'test',
    store,
    clock: createStoreClock(() => storeNow(store)),
    policies: readPolicyFolder(policiesFolder),
    config: { current: () => current },
    authenticator: byRoleName,
    approvers: createApproverList({ store, authenticator: byRoleName, config: { current: () => current } }),
    callers: createCallers({ store, authenticator: byRoleName, config: { current: () => current }, log }),
    loginLinks: true,
    identityProvider: createIdentityProvider({
      config: { current: () => current },
      readSecret: () => '',
      fetch: guardedFetch,
      log,
    }),
    proofs: createOperatorProofs(() => openKeyRing(keys, 'proof', 'test'), 'test'),
    signer: createTaskTokenSigner(tokenOptions),
    workflows: createTaskWorkflows(async () => temporal, log),
    flowKeys: createFlowKeys(openKeyRing(keys, 'flow', 'test')),
    secretSealer: createSecretSealer(openKeyRing(keys, 'secret', 'test')),
    events,
    log,
    isConfigApplied: () => true,
    stopUrl: 'http://127.0.0.1:7700',
    controlUrl: 'http://control.example.org',
    temporalUiUrl: 'http://ui.example.org',
    // People here decide as fast as a program; test/control/console-endpoints.test.ts has what a look is good for.
    minimumLookMs: 0,
  };
  const setAgents = async (next: readonly AgentSpec[]): Promise<void> => {
    current = configOf(next);
    await putAgents(ledger, next);
  };
  await setAgents(agents);
  return rigOf({ ledger, logged, temporal, verifier: createTaskTokenVerifier(tokenOptions), setAgents }, deps);
}

type Shared = Pick<ControlRig, 'ledger' | 'logged' | 'temporal' | 'verifier' | 'setAgents'>;

function rigOf(shared: Shared, deps: ControlDeps): ControlRig {
  const app = createControlApp(deps);
  return {
    ...shared,
    deps,
    app,
    call: async (method, path, options = {}) => {
      const headers: Record<string, string> = {
        host: 'localhost',
        ...(options.as === undefined ? {} : { authorization: `Bearer ${options.as}` }),
        ...options.headers,
      };
      if (options.key !== undefined) headers['idempotency-key'] = options.key;
      const body = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
      if (body !== undefined && headers['content-type'] === undefined) headers['content-type'] = 'application/json';
      const response = await app.request(path, {
        method,
        headers,
        // Text and bytes are both bodies; fetch's own type lives in a library that tests do not load.
        ...(body === undefined ? {} : { body: body as NonNullable<RequestInit['body']> }),
      });
      // A stream that is let in never ends; events.test.ts reads it.
      const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
      if (isStream) await response.body?.cancel();
      const text = isStream ? '' : await response.text();
      return { status: response.status, text, body: parse(text), headers: response.headers };
    },
    withDeps: (changes) => {
      const next = { ...deps, ...changes };
      return rigOf(shared, { ...next, approvers: changes.approvers ?? createApproverList(next) });
    },
  };
}

const closers: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closers.splice(0)) await close();
});

const configOf = (agents: readonly AgentSpec[]): EstopConfig => ({
  environment: 'test',
  trustDomain: 'example.org',
  agents,
  connectors: [],
  toolServers: [],
  models: [],
});

/** By the hash of the token; what is deleted here was revoked. */
export const tokensSeen = new Map<string, Identity>();

const elevation = { elevationId: 'elev_test_of-a-rig', role: 'viewer', until: '2099-01-01T00:00:00.000Z' } as const;

/** `Bearer operator`, or `Bearer olga@operator`, or `Bearer olga@operator~elevated`. `Bearer foreign` is a token of another environment. */
const byRoleName: Authenticator = {
  held: () => [...tokensSeen].map(([hash, { roles }]) => ({ tokenHash: Buffer.from(hash, 'hex'), roles })),
  standingOf: (tokenHash) => tokensSeen.get(Buffer.from(tokenHash).toString('hex')),
  authenticate: (header) => {
    const token = header?.replace(/^Bearer /, '') ?? '';
    if (token === 'foreign') return { ok: false, code: 'foreign-environment' };
    const [whole = '', elevated] = token.split('~');
    const [name = '', role = name] = whole.split('@');
    const roles = allRoles.filter((one) => one === role);
    if (roles.length === 0) return { ok: false, code: 'unauthenticated' };
    if (elevated !== undefined) return { ok: true, identity: { actor: name, roles, elevation } };
    tokensSeen.set(createHash('sha256').update(token).digest('hex'), { actor: name, roles });
    return { ok: true, identity: { actor: name, roles } };
  },
};

function recordingLog(into: { level: string; fields: object }[]): Log {
  const at = (level: string) => (fields: object) => void into.push({ level, fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const never = () => new Promise<never>(() => undefined);
/** A store that took the question and will not answer: what a frozen server looks like from here. */
export const silentStore = { query: never, connect: never, end: async () => undefined } as unknown as Store; // the only members that control calls

/** For looking into an answer: the schema tests say that its shape is the documented one. */
export const field = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>(
    (held, key) =>
      typeof held === 'object' && held !== null ? (held as Record<string | number, unknown>)[key] : undefined,
    value,
  );
