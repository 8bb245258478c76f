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
      const said = (await answer.json()) as { readonly why?: string; readonly clockAheadMs: number };
      return (answer.ok || said.why === 'clock-off') && { ...said, status: answer.status };
    });
    for (const ahead of [body.clockAheadMs, read()?.clockAheadMs ?? 0])
      expect(Math.abs(ahead - byMs)).toBeLessThan(2_000);
    const task = await rig.startTask();
    const { status } = await callTool(gateway, await rig.token(task), 'send_reminder', {});
    return { ready: body.status, status };
  };

  it('admits nothing while it is further behind than the view of its stops allows for, and says why', async () => {
    expect(await started(-10 * minuteMs)).toEqual({ ready: 503, status: 503 });
  });

  it('says that it is ahead, and admits what it can', async () => {
    expect(await started(10 * minuteMs)).toEqual({ ready: 200, status: 200 });
  });

  it('is not ready where every token is over to it', async () => {
    expect(await started(20 * minuteMs)).toMatchObject({ ready: 503 });
  });

  it('is ready where it is right', async () => {
    expect(await started(0)).toEqual({ ready: 200, status: 200 });
  });
});
