import type { MayGiveReason } from '../contract/http/fields.ts';
import type {
  CloseResult,
  HoldResult,
  OpenSession,
  StartTask,
  Task,
  TaskHistory,
  TaskPage,
  TaskToken,
  TaskTree,
} from '../contract/http/tasks.ts';
import { pathSegment } from './path-segment.ts';
import { pollUntil, type WaitOptions } from './poll.ts';
import type { Transport } from './transport.ts';

interface RequestOptions {
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

export interface Tasks {
  /**
   * Registers the task and starts its workflow; the answer comes before its agent has done anything, so `wait` for the outcome. Under one
   * `idempotencyKey` it is one task, however often it is sent; with another body under it, `idempotency-mismatch`. `unknown-agent`: no such
   * agent in estop.yaml. `stopped`: a stop covers it, and `detail` names that.
   */
  start(task: StartTask, options?: RequestOptions): Promise<Task>;
  /** A session that stands for an agent which runs outside. Its `token` is that agent's key to the gateway. */
  open(session: OpenSession, options?: RequestOptions): Promise<Task>;
  /** Ends a session in an orderly way; `woken: false` means that it could not be told. */
  close(taskId: string, options?: RequestOptions): Promise<CloseResult>;
  /** `unknown-task` where there is none. */
  get(taskId: string, options?: RequestOptions): Promise<Task>;
  /**
   * Returns once the task is closed, or as it is when `timeoutMs` is over (never, unless it is said): look at `state`, then at `outcome`. Where
   * control is away for longer than the attempts of one request it rejects as `get` does, and the task goes on: wait again.
   */
  wait(taskId: string, options?: WaitOptions<Task>): Promise<Task>;
  list(query?: {
    /** `drill/<connector>`: the drills of one connector. */
    readonly agent?: string;
    readonly state?: 'open' | 'closed';
    /** Also drills that are over. */
    readonly drills?: boolean;
    readonly cursor?: string;
    readonly limit?: number;
  }): Promise<TaskPage>;
  /** Its root and all that came of it; at most the newest 200. */
  tree(taskId: string): Promise<TaskTree>;
  /** What the ledger has of it, oldest first; with `live` what its workflow says besides, null where that did not answer. */
  history(taskId: string, options?: { readonly live?: boolean }): Promise<TaskHistory>;
  /** Pauses it: its calls are refused as `held` until it is released. No emergency stop: its credentials go on working. */
  hold(taskId: string, options?: RequestOptions & MayGiveReason): Promise<HoldResult>;
  release(taskId: string, options?: RequestOptions & MayGiveReason): Promise<HoldResult>;
  /** A token for the gateway. Keep it in memory; ask for another before it ends. */
  token(taskId: string, options?: RequestOptions): Promise<TaskToken>;
}

export function createTasks(call: Transport, baseUrl: string): Tasks {
  const at = (taskId: string, verb = ''): string => `/v1/tasks/${pathSegment(taskId)}${verb}`;
  const get: Tasks['get'] = (taskId, options = {}) => call({ method: 'GET', baseUrl, path: at(taskId), ...options });
  return {
    start: (body, options = {}) => call({ method: 'POST', baseUrl, path: '/v1/tasks', body, ...options }),
    open: (body, options = {}) => call({ method: 'POST', baseUrl, path: '/v1/sessions', body, ...options }),
    close: (taskId, options = {}) => call({ method: 'POST', baseUrl, path: at(taskId, ':close'), ...options }),
    get,
    wait: (taskId, options = {}) =>
      pollUntil(
        () => get(taskId),
        (task) => task.state === 'closed',
        options,
      ),
    list: (query = {}) => call({ method: 'GET', baseUrl, path: '/v1/tasks', query: { ...query } }),
    tree: (taskId) => call({ method: 'GET', baseUrl, path: at(taskId, '/tree') }),
    history: (taskId, { live } = {}) => call({ method: 'GET', baseUrl, path: at(taskId, '/history'), query: { live } }),
    hold: (taskId, { reason, ...options } = {}) =>
      call({ method: 'POST', baseUrl, path: at(taskId, ':hold'), body: { reason }, ...options }),
    release: (taskId, { reason, ...options } = {}) =>
      call({ method: 'POST', baseUrl, path: at(taskId, ':release'), body: { reason }, ...options }),
    token: (taskId, options = {}) =>
      call({ method: 'POST', baseUrl, path: at(taskId, '/tokens'), isRepeated: true, ...options }),
  };
}
