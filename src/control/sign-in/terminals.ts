import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { EstopError, errorCodeOf } from '../../core/errors.ts';
import { beginSignIn } from '../../store/sign-ins.ts';
import { askTerminal, beginTerminal, endTerminal } from '../../store/terminal-waits.ts';
import type { ControlDeps } from '../deps.ts';
import { parseInput } from '../parse-input.ts';
import { readJson } from '../read-json.ts';
import { createDoor } from './door.ts';
import { failedSignIns } from './failed-sign-in.ts';
import { newSignIn } from './new-sign-in.ts';
import { openByHandle, sealByHandle } from './sealed-by-handle.ts';
import { mintSecret, secretHash } from './sign-in-cookie.ts';
import { createSourceOf } from './source-of.ts';
import { toLedger } from './to-ledger.ts';

/** A code that is good for longer at the provider is not waited for longer here. */
const longestLifeMs = 30 * 60_000;
/** Behind this door is the provider. */
const begins = {
  each: { atOnce: 10, perSecond: 0.2 },
  together: { atOnce: 20, perSecond: 1 },
  reserve: { atOnce: 30, perSecond: 2 },
};
/** A handle, and what stands around it. */
const mostBytes = 1_024;
const PollTerminal = z.strictObject({ handle: z.string().max(100) });

/**
 * `estop login`: the device grant of RFC 8628, which control carries through with the provider, so that a terminal speaks to control
 * alone and never holds a token of the provider. Who is waiting is in the store: it may ask any process of control, also one that was
 * started since. How many that can be follows from how many may begin, and for how long they wait.
 */
export function terminalSignIn(app: OpenAPIHono, deps: ControlDeps): void {
  const door = createDoor(begins);
  const sourceOf = createSourceOf(deps.trustedProxies);
  const noteFailed = failedSignIns(deps);
  app.post('/sign-in/terminal', async (context) => {
    if (!door.pass(sourceOf(context)))
      throw new EstopError('limit-exceeded', { detail: 'Too many terminals begin to sign in. Try again in a while.' });
    const asked = await deps.identityProvider.beginDevice();
    const { deviceCode, userCode, verificationUri, everyMs } = asked;
    const lifeMs = Math.min(asked.lifeMs, longestLifeMs);
    const handle = mintSecret();
    const sealed = sealByHandle(handle, deviceCode);
    await beginTerminal(deps.store, { handleHash: secretHash(handle), sealed, everyMs, lifeMs });
    return context.json({
      handle,
      userCode,
      verificationUri,
      everyMs,
      expiresAt: new Date(Date.now() + lifeMs).toISOString(),
    });
  });
  app.post('/sign-in/terminal/poll', async (context) => {
    const { handle } = parseInput(PollTerminal, (await readJson(context.req.raw, mostBytes)).value, 'body');
    const handleHash = secretHash(handle);
    const held = await askTerminal(deps.store, handleHash);
    if (held === undefined) {
      noteFailed(context, { door: 'device', because: 'unknown-handle' });
      throw new EstopError('unauthenticated', { detail: 'Nothing waits under this handle. Begin again.' });
    }
    const waiting = () => context.json({ state: 'waiting', everyMs: held.everyMs }, 202);
    // Asked more often than the provider wants, it is not asked.
    if (!held.isDue) return waiting();
    const deviceCode = openByHandle(handle, held.sealed);
    const named = await deps.identityProvider.pollDevice(deviceCode).catch(async (thrown: unknown) => {
      if (errorCodeOf(thrown) === 'unauthenticated') {
        noteFailed(context, { door: 'device', because: 'not-confirmed' });
        await endTerminal(deps.store, handleHash);
      }
      throw thrown;
    });
    if (named === undefined) return waiting();
    await endTerminal(deps.store, handleHash);
    door.welcome(sourceOf(context));
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
