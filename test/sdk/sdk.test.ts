import { createServer, type Server, type ServerResponse } from 'node:http';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createEstop, type Estop } from '../../src/sdk/index.ts';
import { type CliRig, deadUrl, makeCliRig } from '../cli/rig.ts';
import { requires } from '../kit/requires.ts';
import { agentSpec, fence, newId, startTask, stop } from '../store/ledger.ts';

const token = `estop_test_${'a'.repeat(43)}`;
const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (thrown: unknown) => (thrown as { code?: unknown }).code,
  );

requires('temporal')('the SDK against the real API', () => {
  let rig: CliRig;
  let service: Estop;
  let operator: Estop;
  beforeAll(async () => {
    rig = await makeCliRig();
    const urls = { controlUrl: rig.control.url, stopUrl: rig.stop.url };
    service = createEstop({ ...urls, token: rig.tokens.service });
    operator = createEstop({ ...urls, token: rig.tokens.operator });
  });

  it('a task is started, read, waited for and stopped', async () => {
    const task = await service.tasks.start({ agentId: 'billing-bot', prompt: 'Pay invoice 4711.' });
    expect(await service.tasks.get(task.taskId)).toEqual(task);
    const running = await service.tasks.wait(task.taskId, { timeoutMs: 200 });
    expect(running.state).toBe('registered');
    const receipt = await operator.stops.stop({ task: task.taskId }, { reason: 'test' });
    expect(receipt).toMatchObject({ state: 'latched', fresh: true });
    const seen: string[] = [];
    const endRelay = rig.startRelay();
    const proved = await operator.stops.wait(receipt.stopId, 'proved', {
      timeoutMs: 10_000,
      onProgress: (view) => seen.push(view.reached),
    });
    await endRelay();
    expect(proved.reached).toBe('proved');
    expect(seen.at(-1)).toBe('proved');
    expect((await service.tasks.wait(task.taskId, { timeoutMs: 5_000 })).state).toBe('closed');
  });

  it('a reply that was lost is asked for again, and one task is made', async () => {
    let calls = 0;
    const losing: typeof fetch = async (input, init) => {
      calls += 1;
      const response = await fetch(input, init);
      if (calls === 1) throw new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } });
      return response;
    };
    const estop = createEstop({
      controlUrl: rig.control.url,
      stopUrl: rig.stop.url,
      token: rig.tokens.service,
      fetch: losing,
    });
    const task = await estop.tasks.start({ agentId: 'mail-bot', prompt: 'x', purpose: 'lost reply' });
    expect(calls).toBe(2);
    expect(await rig.ledger.sql("SELECT task_id FROM estop.tasks WHERE purpose = 'lost reply'")).toEqual([
      { task_id: task.taskId },
    ]);
  });

  it('a stop whose receipt was lost is the same stop when it is sent again', async () => {
    let calls = 0;
    const losing: typeof fetch = async (input, init) => {
      calls += 1;
      const response = await fetch(input, init);
      if (calls < 3) throw new TypeError('fetch failed');
      return response;
    };
    const estop = createEstop({
      controlUrl: rig.control.url,
      stopUrl: rig.stop.url,
      token: rig.tokens.operator,
      fetch: losing,
    });
    const receipt = await estop.stops.stop({ model: 'lost' });
    expect(receipt).toMatchObject({ state: 'latched', fresh: false });
    expect(await rig.ledger.sql("SELECT stop_id FROM estop.stops WHERE scope_key = 'model:lost'")).toEqual([
      { stop_id: receipt.stopId },
    ]);
  });

  it('errors carry the code of the API, and are not repeated when nothing can mend them', async () => {
    expect(await codeOf(service.tasks.get(newId('task')))).toBe('unknown-task');
    expect(await codeOf(service.tasks.start({ agentId: 'nobody', prompt: 'x' }))).toBe('unknown-agent');
    expect(await codeOf(service.tasks.start({ agentId: 'Ä', prompt: 'x' }))).toBe('invalid-input');
    expect(await codeOf(service.stops.stop({ fleet: true }))).toBe('forbidden');
    const latched = await stop(rig.ledger, 'agent:mail-bot');
    const refused = await service.tasks.start({ agentId: 'mail-bot', prompt: 'x' }).catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ code: 'stopped', detail: expect.stringContaining(latched.stopId) });
  });

  it('a target that names nothing is refused before anything is sent', async () => {
    expect(await codeOf(operator.stops.stop({ agent: 'Billing Bot' }))).toBe('invalid-input');
    expect(await codeOf(operator.stops.stop({ label: 'team' }))).toBe('invalid-input');
    expect(await codeOf(operator.stops.stop({ task: 'fleet' }))).toBe('invalid-input');
  });

  it('approvals, resets and accepted risks go the same way', async () => {
    const task = await startTask(rig.ledger, agentSpec('billing-bot'));
    await operator.tasks.hold(task.taskId);
    expect((await operator.tasks.get(task.taskId)).held).toBe(true);
    await operator.tasks.release(task.taskId);
    const { stopId } = await operator.stops.stop({ connector: 'redis' });
    expect(await codeOf(operator.stops.reset(stopId, { reason: 'x' }))).toBe('not-fenced');
    await fence(rig.ledger, stopId);
    expect(await operator.stops.reset(stopId, { reason: 'done' })).toMatchObject({ outcome: 'reset' });
    expect((await operator.approvals.list()).items).toEqual([]);
    expect(await codeOf(operator.approvals.approve(newId('appr')))).toBe('unknown-approval');
    expect(await codeOf(operator.stops.acceptRisk(`${stopId}/${newId('grant')}`, { reason: 'x' }))).toBe(
      'unknown-obligation',
    );
  });

  it('the event stream hears a stop', async () => {
    const leaving = new AbortController();
    const heard: unknown[] = [];
    const listening = (async () => {
      for await (const event of operator.events.stream({ signal: leaving.signal })) {
        heard.push(event.data);
        if (JSON.stringify(event.data).includes('model:heard')) return leaving.abort();
      }
    })();
    for (let n = 0; n < 100 && !leaving.signal.aborted; n += 1) {
      await operator.stops.stop({ model: 'heard' });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await listening;
    expect(JSON.stringify(heard)).toContain('model:heard');
  });

  it('a stream does not go on from what is no event', async () => {
    const listening = (async () => {
      for await (const event of operator.events.stream({ lastEventId: 'ü\n' })) throw new Error(event.name);
    })();
    expect(await codeOf(listening)).toBe('invalid-input');
  });

  it('a stream that may not be read ends with the reason, instead of trying for ever', async () => {
    const estop = createEstop({ controlUrl: rig.control.url, stopUrl: rig.stop.url, token });
    const listening = (async () => {
      for await (const event of estop.events.stream()) throw new Error(event.name);
    })();
    expect(await codeOf(listening)).toBe('unauthenticated');
  });
});

describe('the SDK against servers that are not ours', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  async function serve(answer: (response: ServerResponse, attempt: number) => void): Promise<Estop> {
    let attempt = 0;
    const server = createServer((request, response) => {
      request.resume();
      attempt += 1;
      answer(response, attempt);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
    return createEstop({ controlUrl: url, stopUrl: url, token, timeoutMs: 500 });
  }
  const html = (response: ServerResponse, status: number): void =>
    void response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>canary</h1>');

  it('a proxy that says the server is away is `unreachable`; its 404 is never our `unknown-task`', async () => {
    expect(await codeOf((await serve((response) => html(response, 502))).tasks.get(newId('task')))).toBe('unreachable');
    expect(await codeOf((await serve((response) => html(response, 404))).tasks.get(newId('task')))).toBe('bad-answer');
    expect(await codeOf((await serve((response) => html(response, 200))).tasks.get(newId('task')))).toBe('bad-answer');
  });

  it('weather passes: the third try succeeds', async () => {
    const estop = await serve((response, attempt) =>
      attempt < 3 ? html(response, 503) : response.end('{"items":[],"next":null}'),
    );
    expect(await estop.tasks.list()).toEqual({ items: [], next: null });
  });

  it('a server that hangs is given up', async () => {
    expect(await codeOf((await serve(() => undefined)).tasks.list())).toBe('unreachable');
    const estop = createEstop({ controlUrl: await deadUrl(), stopUrl: await deadUrl(), token });
    expect(await codeOf(estop.tasks.list())).toBe('unreachable');
  });

  it('a stream that breaks says so, and that it is open again', async () => {
    const estop = await serve((response, attempt) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': here\n\n');
      if (attempt === 1) setImmediate(() => response.destroy());
    });
    const [states, leaving] = [[] as boolean[], new AbortController()];
    const onConnection = ({ open }: { readonly open: boolean }): void => {
      states.push(open);
      if (states.length === 3) leaving.abort();
    };
    for await (const event of estop.events.stream({ signal: leaving.signal, onConnection }))
      throw new Error(event.name);
    expect(states).toEqual([true, false, true]);
  });

  it.each([
    ['nothing', '{}'],
    [
      'another stop',
      '{"state":"latched","stopId":"stop_test_00000000000000000000000000","epoch":1,"latchedAt":"2026-11-20T00:00:00Z"}',
    ],
    ['a latch without an epoch', '{"state":"latched"}'],
    ['a list', '[]'],
    ['a cheerful page', '"stopped!"'],
  ])('a receipt that says %s is none: nobody may believe it', async (_what, body) => {
    const estop = await serve((response) => response.end(body));
    expect(await codeOf(estop.stops.stop({ fleet: true }))).toBe('bad-answer');
  });

  it('a redirect is not followed, so that a token goes nowhere else', async () => {
    let reached = 0;
    const elsewhere = createServer((_request, response) => {
      reached += 1;
      response.end('{"items":[],"next":null}');
    });
    servers.push(elsewhere);
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const address = elsewhere.address();
    const location = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`;
    const estop = await serve((response) => response.writeHead(307, { location }).end());
    expect(await codeOf(estop.tasks.list())).toBe('unreachable');
    const listening = new AbortController();
    const streaming = (async () => {
      for await (const event of estop.events.stream({ signal: listening.signal })) throw new Error(event.name);
    })();
    await new Promise((resolve) => setTimeout(resolve, 200));
    listening.abort();
    await streaming;
    expect(reached).toBe(0);
  });

  it('an error that a newer server names in a way we do not know is not taken for one we do', async () => {
    const estop = await serve((response) =>
      response
        .writeHead(409, { 'content-type': 'application/problem+json' })
        .end('{"code":"from-the-future","status":409}'),
    );
    expect(await codeOf(estop.tasks.list())).toBe('bad-answer');
  });

  it.each(['', '.', '..', '\ud800'])('an id that is %j leads nowhere else', async (id) => {
    let asked = 0;
    const estop = await serve((response) => {
      asked += 1;
      response.end('{}');
    });
    const calls = [
      async () => estop.tasks.get(id),
      async () => estop.tasks.history(id),
      async () => estop.stops.get(id),
      async () => estop.stops.obligations(id),
      async () => estop.stops.acceptRisk(id, { reason: 'x' }),
      async () => estop.approvals.get(id),
      async () => estop.approvals.deny(id),
    ];
    for (const call of calls) expect(await codeOf(call())).toBe('invalid-input');
    expect(asked).toBe(0);
  });

  it('without a token it says what to set', () => {
    expect(() => createEstop({ token: '' })).toThrow(/ESTOP_TOKEN/);
    expect(() => createEstop({ token: 'hunter2' })).toThrow(/ESTOP_TOKEN/);
    expect(() => createEstop({ token: 'hunter2' })).not.toThrow(/hunter2/);
  });
});
