import type { AgentPage } from '../contract/http/agents.ts';
import type { RunningConfig } from '../contract/http/config.ts';
import type { ConnectorPage } from '../contract/http/connectors.ts';
import type { Diagnosis } from '../contract/http/diagnosis.ts';
import { EstopError } from '../core/errors.ts';
import { type Approvals, createApprovals } from './approvals.ts';
import { createEvents, type Events } from './events.ts';
import { type Breakers, type Budgets, createBreakers, createBudgets } from './limits.ts';
import { createNotices, type Notices } from './notices.ts';
import { createOverview, type Overview } from './overview.ts';
import {
  type ApiTokens,
  createApiTokens,
  createElevations,
  createPeople,
  type Elevations,
  type People,
} from './people.ts';
import { createPlaybooks, type Playbooks } from './playbooks.ts';
import { createPolicies, type Policies } from './policies.ts';
import { createSecrets, type Secrets } from './secrets.ts';
import { createSignIn, type SignIn } from './sign-in.ts';
import { createStops, type Stops } from './stops.ts';
import { createTasks, type Tasks } from './tasks.ts';
import { createTools, type Tools } from './tools.ts';
import { createTransport, type Send } from './transport.ts';

export interface EstopOptions {
  /** Default: ESTOP_CONTROL_URL, else http://127.0.0.1:7701. */
  readonly controlUrl?: string | undefined;
  /** Default: ESTOP_STOP_URL, else http://127.0.0.1:7700. Stops go there and nowhere else. */
  readonly stopUrl?: string | undefined;
  /** Default: ESTOP_TOKEN. Its second part names the environment. */
  readonly token?: string | undefined;
  readonly fetch?: typeof fetch | undefined;
  /** In place of fetch for everything but the event stream. */
  readonly send?: Send | undefined;
  /** Of one attempt, in milliseconds; 10,000. */
  readonly timeoutMs?: number | undefined;
  /** How often a request is sent where nobody answers, or store or Temporal are away; 3. Each may be repeated safely. */
  readonly attempts?: number | undefined;
  /** The Idempotency-Key of every change that is given none of its own; a fresh one each, where nothing is said. */
  readonly mintKey?: (() => string) | undefined;
}

/**
 * Every method rejects with an EstopError: match its `code` (docs/errors.md); `fields` says what is wrong with which field of a request,
 * `retryAfterMs` when to come again. One that is given a `signal` rejects with the reason of that when it is aborted. Times are ISO 8601 in
 * UTC, durations milliseconds, where a name does not say otherwise.
 */
export interface Estop {
  readonly tasks: Tasks;
  readonly stops: Stops;
  readonly approvals: Approvals;
  readonly tools: Tools;
  readonly agents: { list(): Promise<AgentPage> };
  readonly budgets: Budgets;
  readonly breakers: Breakers;
  /** What runs: the version that the ledger was last given. */
  readonly config: { running(): Promise<RunningConfig> };
  readonly policies: Policies;
  readonly secrets: Secrets;
  readonly signIn: SignIn;
  readonly people: People;
  readonly apiTokens: ApiTokens;
  readonly elevations: Elevations;
  readonly notices: Notices;
  readonly playbooks: Playbooks;
  readonly overview: Overview;
  readonly connectors: { list(): Promise<ConnectorPage> };
  /** What is reached, which versions run, and what would weaken a stop. */
  diagnosis(): Promise<Diagnosis>;
  readonly events: Events;
}

export function createEstop(options: EstopOptions = {}): Estop {
  const token = options.token ?? process.env['ESTOP_TOKEN'] ?? '';
  const environment = /^estop_([a-z][a-z0-9]{0,15})_/.exec(token)?.[1];
  if (environment === undefined)
    throw new EstopError('unauthenticated', { detail: 'Give a token (estop_<environment>_..) or set ESTOP_TOKEN.' });
  const urls = {
    control: options.controlUrl ?? process.env['ESTOP_CONTROL_URL'] ?? 'http://127.0.0.1:7701',
    stop: options.stopUrl ?? process.env['ESTOP_STOP_URL'] ?? 'http://127.0.0.1:7700',
  };
  // Looked up at every call, so that a program may replace or instrument the global after this client was made.
  const get: typeof fetch = options.fetch ?? ((input, init) => fetch(input, init));
  const call = createTransport({
    token,
    send: options.send ?? get,
    timeoutMs: options.timeoutMs ?? 10_000,
    attempts: options.attempts ?? 3,
    mintKey: options.mintKey,
  });
  return {
    tasks: createTasks(call, urls.control),
    stops: createStops(call, urls, environment),
    approvals: createApprovals(call, urls.control),
    tools: createTools(call, urls.control),
    agents: { list: () => call({ method: 'GET', baseUrl: urls.control, path: '/v1/agents' }) },
    budgets: createBudgets(call, urls.control),
    breakers: createBreakers(call, urls.control),
    config: { running: () => call({ method: 'GET', baseUrl: urls.control, path: '/v1/config' }) },
    policies: createPolicies(call, urls.control),
    secrets: createSecrets(call, urls.control),
    signIn: createSignIn(call, urls.control),
    people: createPeople(call, urls.control),
    apiTokens: createApiTokens(call, urls.control),
    elevations: createElevations(call, urls.control),
    playbooks: createPlaybooks(call, urls.control),
    notices: createNotices(call, urls.control),
    overview: createOverview(call, urls.control),
    connectors: { list: () => call({ method: 'GET', baseUrl: urls.control, path: '/v1/connectors' }) },
    diagnosis: () => call({ method: 'GET', baseUrl: urls.control, path: '/v1/diagnosis' }),
    events: createEvents({ token, fetch: get, baseUrl: urls.control }),
  };
}
