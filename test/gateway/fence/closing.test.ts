import { describe, expect, it } from 'vitest';
import { leaseMs } from '../../../src/contract/numbers.ts';
import { deferred } from '../../../src/gateway/deferred.ts';
import { systemClock } from '../../../src/gateway/fence/clock.ts';
import { Fence } from '../../../src/gateway/fence/fence.ts';
import type { FencePort, RenewalReply } from '../../../src/gateway/fence/fence-port.ts';
import { OpenCalls } from '../../../src/gateway/fence/open-calls.ts';
import { Renewer } from '../../../src/gateway/fence/renewer.ts';

const bearer = { keys: ['fleet'], agents: ['bot'], epoch: 0 };
const granted = (drainedAt?: number): RenewalReply => {
  return { granted: true, epoch: 0, storeId: 'store', storeNow: 1, drainedAt, stops: [], markAgeMs: 0 };
};

/** With seconds to run on its lease, and no gap. */
function liveFence(): { readonly fence: Fence; readonly openCalls: OpenCalls } {
  const openCalls = new OpenCalls();
  const fence = new Fence(systemClock, openCalls);
  fence.registered('gw-1', 'store');
  const [sent, received] = [systemClock(), systemClock()];
  for (const drainedAt of [undefined, 2])
    fence.advance({ kind: 'reply', sent, received, afterGap: true, reply: granted(drainedAt) });
  return { fence, openCalls };
}

describe('a gateway that closes', () => {
  it('lets nothing through any more, however long its lease would have run', () => {
    const { fence, openCalls } = liveFence();
    expect(fence.check(bearer)).toEqual({ kind: 'clear' });
    const ends: unknown[] = [];
    openCalls.add({ callId: 'call', bearer, isWritten: () => true, destroy: (reason) => void ends.push(reason) });
    expect(fence.close()).toEqual([{ callId: 'call', written: true }]);
    expect(ends).toEqual([{ kind: 'closing' }]);
    expect(fence.remainingMs).toBeGreaterThan(1_000);
    expect(fence.standing()).toEqual({ live: false, why: 'no-lease' });
    expect(fence.check(bearer)).toEqual({ kind: 'no-lease', why: 'no-lease' });
  });
});

describe('a gateway whose lease runs out', () => {
  it('ends what is under way, whatever it is: it could not hear of a stop of it any more', () => {
    const { fence, openCalls } = liveFence();
    const ends: unknown[] = [];
    openCalls.add({ callId: 'call', bearer, isWritten: () => true, destroy: (reason) => void ends.push(reason) });
    const { mono, wall } = systemClock();
    expect(fence.advance({ kind: 'time', now: { mono: mono + 100, wall: wall + 100 } })).toEqual([]);
    const over = { mono: mono + leaseMs + 1, wall: wall + leaseMs + 1 };
    expect(fence.advance({ kind: 'time', now: over })).toEqual([{ callId: 'call', written: true }]);
    expect(ends).toEqual([{ kind: 'no-lease' }]);
  });
});

describe('a gateway that was retired and has registered anew', () => {
  it('does not listen to what was still said of the one it was', async () => {
    const fence = new Fence(systemClock, new OpenCalls());
    const asked: { readonly gatewayId: string; readonly answer: (reply: RenewalReply) => void }[] = [];
    const registered: string[] = [];
    const port: FencePort = {
      register: async (gatewayId) => {
        registered.push(gatewayId);
        return 'store';
      },
      renew: (gatewayId) => {
        const reply = deferred<RenewalReply>();
        asked.push({ gatewayId, answer: reply.resolve });
        return reply.promise;
      },
      confirm: async () => true,
      settle: async () => undefined,
      retire: async () => undefined,
    };
    const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
    const renewer = new Renewer({
      fence,
      port,
      clock: systemClock,
      log,
      address: '',
      newGatewayId: () => `gw-${registered.length + 1}`,
      onToolsVersion: () => undefined,
      onPolicyActivation: () => undefined,
      onSecretsVersion: () => undefined,
      settler: { unknownEnds: () => [] },
    });
    const renewals = [renewer.renewNow(), renewer.renewNow()];
    while (asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(asked.map(({ gatewayId }) => gatewayId)).toEqual(['gw-1', 'gw-1']);
    // Both were on their way when it was retired; the second answer is about a gateway that is no more.
    asked[0]?.answer({ granted: false, refusal: 'retired' });
    await renewals[0];
    expect(fence.gatewayId).toBe('gw-2');
    asked[1]?.answer({ granted: false, refusal: 'retired' });
    await renewals[1];
    expect(registered).toEqual(['gw-1', 'gw-2']);
    await renewer.close();
  });
});
