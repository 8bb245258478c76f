import { z } from 'zod';
import { countPendingApprovals } from '../../store/approvals.ts';
import type { Store } from '../../store/pool.ts';
import { countStopsInForce } from '../../store/stops.ts';
import { liveGateways } from '../../store/store-facts.ts';
import { defineEndpoint, type Endpoint, nothing } from '../endpoint.ts';
import { knownInTime } from '../known-in-time.ts';
import type { Permission } from '../permission.ts';
import type { Counts } from './layout.ts';
import type { Visit } from './visit.ts';

/** A count beside a word is worth no wait. */
const countPatienceMs = 250;
/** Beyond it nobody counts: the page says that there are more. */
const most = 100;

/** Two numbers on every page: a list with all that is known of each of its stops would cost more than most pages themselves. */
export async function countsOf(visit: Visit): Promise<Counts> {
  const [stops, approvals] = await Promise.all([
    soon(visit.ask<Count>(stopsInForce)),
    visit.may('approval:read') ? soon(visit.ask<Count>(pendingApprovals)) : undefined,
  ]);
  return {
    ...(stops === undefined ? {} : { stops: stops.count }),
    ...(approvals === undefined ? {} : { approvals: approvals.count }),
  };
}

/** Gateways that may let a call through just now; undefined: not known so soon. */
export const gatewaysOf = async (visit: Visit): Promise<number | undefined> =>
  (await soon(visit.ask<Count>(gatewaysLive)))?.count;

const Count = z.object({ count: z.int() });
type Count = z.output<typeof Count>;

/** Behind no path: asked by pages alone, through the checks of every endpoint. */
const counting = (
  what: string,
  permission: Permission,
  count: (store: Store, most: number) => Promise<number>,
): Endpoint =>
  defineEndpoint({
    method: 'get',
    path: `/v1/${what}`,
    id: `count-${what}`,
    summary: '',
    permission,
    input: { path: nothing, query: nothing, body: nothing },
    answers: [{ status: 200, description: 'Their number', schema: Count }],
    problems: [],
    look: async (_input, deps) => ({ count: await count(deps.store, most) }),
  });
const stopsInForce = counting('stops', 'stop:read', countStopsInForce);
const pendingApprovals = counting('approvals', 'approval:read', countPendingApprovals);
const gatewaysLive = counting('gateways', 'task:read', liveGateways);

const soon = async <Value>(work: Promise<Value>): Promise<Value | undefined> =>
  (await knownInTime(work, countPatienceMs)) ?? undefined;
