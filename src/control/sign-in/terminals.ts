import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { EstopError } from '../../core/errors.ts';
import { beginSignIn } from '../../store/sign-ins.ts';
import type { ControlDeps } from '../deps.ts';
import { parseInput } from '../parse-input.ts';
import { readJson } from '../read-json.ts';
import { createBucket } from './bucket.ts';
import { newSignIn } from './new-sign-in.ts';
import { mintSecret, secretHash } from './sign-in-cookie.ts';
import { toLedger } from './to-ledger.ts';

interface Waiting {
  readonly deviceCode: string;
  readonly everyMs: number;
  readonly endsAt: number;
  nextAt: number;
}

const mostWaiting = 1_000;
/** Of everybody together: behind this door is the provider. */
const begins = { atOnce: 30, perSecond: 2 };
const PollTerminal = z.strictObject({ handle: z.string().max(100) });

/**
 * `estop login`: the device grant of RFC 8628, which control carries through with the provider, so that a terminal speaks to control
 * alone and never holds a token of the provider. Who is waiting is kept in memory: a restart of control means to begin again.
 */
export function terminalSignIn(app: OpenAPIHono, deps: ControlDeps): void {
  const waiting = new Map<string, Waiting>();
  const begun = createBucket(begins);
  const forget = (): void => {
    for (const [handle, { endsAt }] of waiting) if (endsAt < Date.now()) waiting.delete(handle);
  };
  app.post('/sign-in/terminal', async (context) => {
    forget();
    if (!begun.take())
      throw new EstopError('limit-exceeded', { detail: 'Too many terminals begin to sign in. Try again in a while.' });
    // Whoever waits asks again and again: of too many, those who have not asked for the longest time are not there any more.
    if (waiting.size >= mostWaiting) waiting.delete(longestSilent(waiting));
    const { deviceCode, userCode, verificationUri, everyMs, lifeMs } = await deps.identityProvider.beginDevice();
    const handle = mintSecret();
    waiting.set(handle, { deviceCode, everyMs, endsAt: Date.now() + lifeMs, nextAt: Date.now() });
    return context.json({
      handle,
      userCode,
      verificationUri,
      everyMs,
      expiresAt: new Date(Date.now() + lifeMs).toISOString(),
    });
  });
  app.post('/sign-in/terminal/poll', async (context) => {
    forget();
    const { handle } = parseInput(PollTerminal, (await readJson(context.req.raw)).value, 'body');
    const held = waiting.get(handle);
    if (held === undefined)
      throw new EstopError('unauthenticated', { detail: 'Nothing waits under this handle. Begin again.' });
    // Asked more often than the provider wants, it is not asked.
    if (Date.now() < held.nextAt) return context.json({ state: 'waiting', everyMs: held.everyMs }, 202);
    held.nextAt = Date.now() + held.everyMs;
    const named = await deps.identityProvider.pollDevice(held.deviceCode).catch((thrown: unknown) => {
      if (thrown instanceof EstopError && thrown.code === 'unauthenticated') waiting.delete(handle); // of this very process
      throw thrown;
    });
    if (named === undefined) return context.json({ state: 'waiting', everyMs: held.everyMs }, 202);
    waiting.delete(handle);
    const token = `estop_${deps.environment}_${mintSecret()}`;
    const made = { ...newSignIn(context, deps, token), secretHash: secretHash(token) };
    const outcome = await beginSignIn(deps.store, toLedger(named, deps.config.current()), {
      ...made,
      method: 'device',
    });
    if (outcome === 'disabled')
      throw new EstopError('forbidden', { detail: 'An admin of estop has disabled you here.' });
    return context.json({
      state: 'signed-in',
      token,
      name: named.name,
      environment: deps.environment,
      stopUrl: deps.stopUrl,
      idleMs: made.idleMs,
      expiresAt: new Date(Date.now() + made.lifeMs).toISOString(),
    });
  });
}

function longestSilent(waiting: ReadonlyMap<string, Waiting>): string {
  let found = '';
  let earliest = Number.POSITIVE_INFINITY;
  for (const [handle, { nextAt }] of waiting) {
    if (nextAt >= earliest) continue;
    found = handle;
    earliest = nextAt;
  }
  return found;
}
