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
});
