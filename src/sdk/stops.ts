import { randomBytes } from 'node:crypto';
import type { ObligationPage, ResetResult, StopPage, StopPreview, StopView } from '../contract/http/stops.ts';
import type { StopCategory, StopMethod, StopReceipt, StopStage } from '../contract/stop.ts';
import { EstopError } from '../core/errors.ts';
import { formatId } from '../core/ids.ts';
import { pathSegment } from './path-segment.ts';
import { pollUntil, type WaitOptions } from './poll.ts';
import { type StopTarget, scopeKeyOf } from './scope.ts';
import type { Transport } from './transport.ts';

export interface StopOptions {
  readonly reason?: string;
  readonly category?: StopCategory;
  readonly graceMs?: number;
  /** How the order came about, for the audit; `api` unless said otherwise. */
  readonly method?: Extract<StopMethod, 'api' | 'cli' | 'breaker'>;
  /** Minted if absent. The same id is the same stop, however often it is sent. */
  readonly stopId?: string;
  readonly signal?: AbortSignal;
}

export interface Stops {
  /** Goes straight to the stop process, and needs nothing else. `latched` is durable; `accepted` will be latched. */
  stop(target: StopTarget, options?: StopOptions): Promise<StopReceipt>;
  get(stopId: string): Promise<StopView>;
  list(query?: { readonly inForce?: boolean; readonly cursor?: string; readonly limit?: number }): Promise<StopPage>;
  obligations(stopId: string, query?: { readonly cursor?: string; readonly limit?: number }): Promise<ObligationPage>;
  /** Returns once the stage was VERIFIED, or the stop as it is when `timeoutMs` is over: look at `reached`. */
  wait(stopId: string, stage: StopStage, options?: WaitOptions<StopView>): Promise<StopView>;
  preview(target: StopTarget): Promise<StopPreview>;
  reset(stopId: string, options: { readonly reason: string; readonly idempotencyKey?: string }): Promise<ResetResult>;
  acceptRisk(obligationId: string, options: { readonly reason: string }): Promise<void>;
}

interface Urls {
  readonly control: string;
  readonly stop: string;
}

export function createStops(call: Transport, urls: Urls, environment: string): Stops {
  const baseUrl = urls.control;
  const at = (stopId: string, verb = ''): string => `/v1/stops/${pathSegment(stopId)}${verb}`;
  const get: Stops['get'] = (stopId) => call({ method: 'GET', baseUrl, path: at(stopId) });
  return {
    stop: async (target, { signal, ...options } = {}) => {
      const stopId = options.stopId ?? newStopId(environment);
      const body = { ...options, stopId, scopeKey: scopeKeyOf(target) };
      return readReceipt(
        await call({ method: 'POST', baseUrl: urls.stop, path: '/v1/stops', body, idempotencyKey: stopId, signal }),
        stopId,
      );
    },
    get,
    list: (query = {}) => call({ method: 'GET', baseUrl, path: '/v1/stops', query }),
    obligations: (stopId, query = {}) => call({ method: 'GET', baseUrl, path: at(stopId, '/obligations'), query }),
    wait: (stopId, stage, options = {}) =>
      pollUntil(
        () => get(stopId),
        (stop) => hasReached(stop, stage),
        options,
      ),
    preview: (target) =>
      call({
        method: 'POST',
        baseUrl,
        path: '/v1/stops:preview',
        isRepeated: true,
        body: { scopeKey: scopeKeyOf(target) },
      }),
    reset: (stopId, { reason, idempotencyKey }) =>
      call({ method: 'POST', baseUrl, path: at(stopId, ':reset'), body: { reason }, idempotencyKey }),
    acceptRisk: (obligationId, { reason }) =>
      call({
        method: 'POST',
        baseUrl,
        path: `/v1/obligations/${pathSegment(obligationId)}:accept-risk`,
        body: { reason },
      }),
  };
}

export const newStopId = (environment: string, random: Uint8Array = randomBytes(16)): string =>
  formatId('stop', environment, random);

/** The stages run side by side: `revoked` may stand while `halted` does not, so each is asked for itself. */
export function hasReached(stop: StopView, stage: StopStage): boolean {
  return stop.stages.some((entry) => entry.stage === stage && entry.at !== null);
}

/** The one answer on which a person believes that something is dead: read with care, never merely assumed. */
function readReceipt(answer: unknown, stopId: string): StopReceipt {
  const body = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<string, unknown>; // each key is checked
  const { state, epoch, latchedAt, fresh } = body;
  if (body['stopId'] === stopId && state === 'accepted') return { state, stopId };
  if (body['stopId'] === stopId && state === 'latched' && typeof epoch === 'number' && typeof latchedAt === 'string') {
    return { state, stopId, epoch, latchedAt, fresh: fresh === true };
  }
  throw new EstopError('bad-answer', {
    detail: 'The stop process gave no receipt for this stop; take it as not latched.',
  });
}
