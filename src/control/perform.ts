import { randomBytes } from 'node:crypto';
import type { Identity } from '../contract/identity.ts';
import { EstopError, errorCodeOf } from '../core/errors.ts';
import { appendAudit } from '../store/audit.ts';
import { byWay, type Way } from '../store/by-way.ts';
import type { ControlDeps } from './deps.ts';
import { type Endpoint, isRefusedUnderElevation, type RawInput, type Reply, type RequestInfo } from './endpoint.ts';
import { runOnce } from './idempotency.ts';
import { isPermitted } from './permission.ts';
import { recordDenial } from './record-denial.ts';

export interface Performance extends Omit<RequestInfo, 'seed' | 'isStillPermitted' | 'cutOff'> {
  /** For the audit of whatever comes of it. */
  readonly way: Way;
  /** Of the request, for the record of a refusal. */
  readonly path: string;
  readonly idempotencyKey: string | undefined;
  /** Undefined where there is no connection of its own. */
  readonly cutOff?: () => void;
  /** The same caller, looked at again now; undefined once it is nobody. */
  readonly callerNow: () => Identity | undefined;
  /** Read after the permission was found, so that nobody else's bytes are. */
  readonly input: () => Promise<RawInput & { readonly text: string }>;
}

export const whoIsNotKnown = 'The store does not say just now who you are. A stop works all the same.';

/**
 * One endpoint for one caller: permission, size and shape, repetition, handler, and the record of a refusal. Whoever asks, over HTTP
 * or from a page of the console, comes through here, so that who may do what is decided in one place.
 */
export async function perform(endpoint: Endpoint, asked: Performance, deps: ControlDeps): Promise<Reply | Response> {
  const { identity } = asked;
  // Remembered, or shown by a proof: good for a stop, which the stop process judges. Whoever it was may have lost everything since, and
  // the store that did not answer one question answers the next.
  if (identity.isFromMemory === true) throw new EstopError('store-unavailable', { detail: whoIsNotKnown });
  // What only reads writes no audit, and need not ask the store three times.
  const changing: ControlDeps =
    endpoint.method === 'post'
      ? { ...deps, store: byWay(deps.store, asked.way, identity.elevation !== undefined) }
      : deps;
  try {
    if (!isPermitted(identity, endpoint.permission))
      throw new EstopError('forbidden', { detail: `This needs ${endpoint.permission}.` });
    const { elevation } = identity;
    if (elevation !== undefined && isRefusedUnderElevation(identity, endpoint))
      throw new EstopError('forbidden', {
        detail: `Not with a role that was taken for a while (${elevation.elevationId}). End it first, or let somebody else do this.`,
      });
    const { text, ...raw } = await asked.input();
    // Before it is done: what cannot be written down is not done under a role that is not one's own.
    if (elevation !== undefined && endpoint.method === 'post' && endpoint.underElevation !== 'ends-it')
      await appendAudit(changing.store, {
        kind: 'elevation.used',
        actor: identity.actor,
        subject: `elevation:${elevation.elevationId}`,
        detail: { what: endpoint.id, path: asked.path.slice(0, 400), role: elevation.role },
      });
    const request: Omit<RequestInfo, 'seed'> = {
      identity,
      requestId: asked.requestId,
      signal: asked.signal,
      cutOff: asked.cutOff ?? (() => undefined),
      header: asked.header,
      isStillPermitted: () => {
        const now = asked.callerNow();
        return now !== undefined && now.actor === identity.actor && isPermitted(now, endpoint.permission);
      },
    };
    if (endpoint.method === 'get') return await endpoint.run(raw, { ...request, seed: () => randomBytes(16) }, deps);
    const keyed = {
      actor: identity.actor,
      key: asked.idempotencyKey,
      text: `${endpoint.id}\n${asked.path}\n${text}`,
    };
    return await runOnce(deps, keyed, endpoint.repeats ?? 'stored', asked.requestId, (seeded) =>
      endpoint.run(raw, { ...request, ...seeded }, changing),
    );
  } catch (thrown) {
    if (endpoint.method === 'post')
      await recordDenial(changing, identity, endpoint.id, asked.path, errorCodeOf(thrown));
    throw thrown;
  }
}
