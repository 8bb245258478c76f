import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/gateway/fence/clock.ts';
import type { GatewayFigures } from '../../src/gateway/watch.ts';
import { callTool, makeRig, type Rig, until } from './rig.ts';

const minuteMs = 60_000;

describe('a gateway whose clock is not that of the store', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await makeRig();
  });

  const started = async (byMs: number) => {
    let read: () => GatewayFigures | undefined = () => undefined;
    const gateway = await rig.startGateway({
      clock: () => ({ ...systemClock(), wall: Date.now() + byMs }),
      watch: { note: () => undefined, show: (figures) => void (read = figures) },
    });
    const body = await until(async () => {
      const answer = await fetch(`${gateway.url}/readyz`);
      const said = (await answer.json()) as { readonly clockAheadMs: number };
      return answer.ok && { ...said, status: answer.status };
    });
    for (const ahead of [body.clockAheadMs, read()?.clockAheadMs ?? 0])
      expect(Math.abs(ahead - byMs)).toBeLessThan(2_000);
    const task = await rig.startTask();
    const { status } = await callTool(gateway, await rig.token(task), 'send_reminder', {});
    return { ready: body.status, status };
  };

  it.each([-10 * minuteMs, 10 * minuteMs])(
    'says so, and takes no clock of the store for its own: %i ms',
    async (byMs) => {
      expect(await started(byMs)).toEqual({ ready: 200, status: 200 });
    },
  );

  it.each([
    ['behind', -10 * minuteMs],
    ['ahead', 20 * minuteMs],
  ])(
    'is not ready once it refused a token that is good by the clock of the store, %s as it is, and is again when its clock is right',
    async (_where, byMs) => {
      let ahead = byMs;
      let read: () => GatewayFigures | undefined = () => undefined;
      const gateway = await rig.startGateway({
        clock: () => ({ ...systemClock(), wall: Date.now() + ahead }),
        verifier: rig.verifier(() => Date.now() + ahead),
        watch: { note: () => undefined, show: (figures) => void (read = figures) },
      });
      const readiness = async () => {
        const answer = await fetch(`${gateway.url}/readyz`);
        const { why } = (await answer.json()) as { readonly why?: string };
        return `${answer.status} ${why ?? ''}`;
      };
      await until(async () => (await readiness()) === '200 ');
      const task = await rig.startTask();
      const call = async () => (await callTool(gateway, await rig.token(task), 'send_reminder', {})).status;
      expect(await call()).toBe(401);
      expect(await readiness()).toBe('503 clock-off');
      expect(read()?.isLive).toBe(false);
      ahead = 0;
      await until(async () => (await readiness()) === '200 ');
      expect([await call(), read()?.isLive]).toEqual([200, true]);
    },
  );
});
