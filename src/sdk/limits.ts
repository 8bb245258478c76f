import type { BreakerResetResult, BreakerTripPage, BudgetPage } from '../contract/http/limits.ts';
import type { TripCause } from '../core/breaker.ts';
import { pathSegment } from './path-segment.ts';
import type { Transport } from './transport.ts';

export interface Budgets {
  of(agentId: string): Promise<BudgetPage>;
}

export interface Breakers {
  /** Open trips; with `all` also those that are over. */
  list(filter?: { readonly agent?: string; readonly all?: boolean }): Promise<BreakerTripPage>;
  reset(agentId: string, breaker: TripCause, request: { readonly reason: string }): Promise<BreakerResetResult>;
}

export function createBudgets(call: Transport, baseUrl: string): Budgets {
  return {
    of: (agentId) => call({ method: 'GET', baseUrl, path: `/v1/agents/${pathSegment(agentId)}/budgets` }),
  };
}

export function createBreakers(call: Transport, baseUrl: string): Breakers {
  return {
    list: ({ agent, all } = {}) =>
      call({
        method: 'GET',
        baseUrl,
        path: '/v1/breakers',
        query: { ...(agent === undefined ? {} : { agent }), ...(all === true ? { all: 'true' } : {}) },
      }),
    reset: (agentId, breaker, request) =>
      call({
        method: 'POST',
        baseUrl,
        path: `/v1/agents/${pathSegment(agentId)}:reset-breaker`,
        body: { breaker, reason: request.reason },
      }),
  };
}
