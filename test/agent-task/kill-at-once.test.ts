import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { latch } from '../../src/store/latch.ts';
import { getStop } from '../../src/store/stops.ts';
import { requires } from '../kit/requires.ts';
import { agentSpec, type Stack, startStack, type TaskHandle } from './kit.ts';
import { expectStopped, scheduled, taskIdOf, until } from './watch.ts';

const order = { category: 0, graceMs: 0, reason: 'r', actor: 'Olga', method: 'api' } as const;
/** Stands before the real stop process, so that a test can take it away. */
type Weather = 'fine' | 'hangs' | 'accepts-only' | 'babbles';

requires('temporal')('a bare kill', () => {
  let stack: Stack;
  let front: Server;
  let weather: Weather = 'fine';
  let asked = 0;
  beforeAll(async () => {
    let stopProcess = '';
    front = createServer((request, response) => void answer(request, response, () => stopProcess));
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    const address = front.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    stack = await startStack({
      agents: [agentSpec('billing-bot')],
      scripts: { thinks: [{ hang: true }] },
      stopProcess: (url) => {
        stopProcess = url;
        return `http://127.0.0.1:${address.port}`;
      },
    });
  });
  afterAll(async () => {
    front.closeAllConnections();
    front.close();
    await stack.stop();
  });

  const answer = async (
    request: Parameters<Parameters<typeof createServer>[1] & object>[0],
    response: Parameters<Parameters<typeof createServer>[1] & object>[1],
    url: () => string,
  ): Promise<void> => {
    asked += 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk); // no encoding is set
    const say = (status: number, text: string) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(text);
    switch (weather) {
      case 'hangs':
        return;
      case 'babbles':
        return void say(200, '<html>');
      case 'accepts-only':
        return void say(202, JSON.stringify({ state: 'accepted', stopId: 'stop_test_0123456789abcdefghjkmnpqrs' }));
      case 'fine': {
        const { authorization = '' } = request.headers;
        const headers = { authorization, 'content-type': 'application/json' };
        const real = await fetch(`${url()}${request.url}`, { method: 'POST', headers, body: Buffer.concat(chunks) });
        return void say(real.status, await real.text());
      }
      default:
        return weather satisfies never;
    }
  };
  const thinking = async () => {
    const before = stack.model.requests().length;
    const handle = await stack.start('thinks');
    await until(() => stack.model.requests().length > before);
    return handle;
  };

  it('is latched at the stop process within the workflow task that takes it up', async () => {
    weather = 'fine';
    // A starved machine may take longer than a kill has patience for: that one takes the trusted queue, as it should.
    const atOnce = async (tries = 5): Promise<{ readonly handle: TaskHandle; readonly stopId: string }> => {
      const handle = await thinking();
      await handle.signal('kill', { actor: 'Eve\u0007', reason: 'it mails everybody' });
      const { stopId } = await expectStopped(handle);
      const onTheQueue = await scheduled(handle, 'latchTask');
      if (onTheQueue > 0 && tries > 1) return atOnce(tries - 1);
      expect(onTheQueue).toBe(0);
      return { handle, stopId };
    };
    const { handle, stopId } = await atOnce();
    expect(await getStop(stack.ledger.control, stopId)).toMatchObject({
      scopeKey: `task:${taskIdOf(handle)}`,
      method: 'signal',
      actor: 'signal:Eve',
      reason: 'it mails everybody',
    });
  });

  it('that is sent many times is one stop', async () => {
    weather = 'fine';
    const handle = await thinking();
    await Promise.all(Array.from({ length: 20 }, () => handle.signal('kill').catch(() => undefined)));
    const { stopId } = await expectStopped(handle);
    const { rows } = await stack.ledger.superuser.query('SELECT stop_id FROM estop.stops WHERE scope_key = $1', [
      `task:${taskIdOf(handle)}`,
    ]);
    expect(rows).toEqual([{ stop_id: stopId }]);
  });

  it.each<Weather>(['hangs', 'accepts-only', 'babbles'])(
    'is latched on the trusted queue while the stop process %s',
    async (sky) => {
      weather = sky;
      const handle = await thinking();
      await handle.signal('kill');
      const { stopId } = await expectStopped(handle);
      expect(await scheduled(handle, 'latchTask')).toBe(1);
      expect(await getStop(stack.ledger.control, stopId)).toMatchObject({ scopeKey: `task:${taskIdOf(handle)}` });
    },
  );

  it('amid a flood is latched on the trusted queue alone: no workflow task stays open for a try', async () => {
    weather = 'fine';
    const handle = await thinking();
    for (let sent = 0; sent < 1_000; sent += 50)
      await Promise.all(Array.from({ length: 50 }, () => handle.signal('nonsense')));
    const before = asked;
    await handle.signal('kill');
    await expectStopped(handle);
    expect(asked).toBe(before);
    expect(await scheduled(handle, 'latchTask')).toBe(1);
  });

  it('latches under another id where somebody has taken the task’s own for another scope', async () => {
    weather = 'fine';
    const handle = await thinking();
    const taken = taskIdOf(handle).replace(/^task_/, 'stop_');
    await latch(stack.ledger.latch, { ...order, stopId: taken, scopeKey: 'connector:elsewhere' });
    await handle.signal('kill');
    const { stopId } = await expectStopped(handle);
    expect(stopId).not.toBe(taken);
    expect(await getStop(stack.ledger.control, stopId)).toMatchObject({ scopeKey: `task:${taskIdOf(handle)}` });
  });

  it('that names the stop it comes of latches no second one', async () => {
    weather = 'fine';
    const handle = await thinking();
    const stopId = 'stop_test_0123456789abcdefghjkmnpqrv';
    await latch(stack.ledger.latch, { ...order, stopId, scopeKey: `task:${taskIdOf(handle)}` });
    await handle.signal('kill', { stopId });
    expect(await expectStopped(handle)).toEqual({ stopId });
  });
});
