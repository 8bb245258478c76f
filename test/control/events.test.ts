import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { createAdaptorServer } from '@hono/node-server';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Stop } from '../../src/contract/http/stops.ts';
import { createEventFeed, type EventFeed, type FeedEvent, feedEvent } from '../../src/control/events/event-feed.ts';
import { looksForChanges } from '../../src/control/events/look-for-changes.ts';
import { readServerSentEvents } from '../../src/sdk/server-sent-events.ts';
import { decideApproval, requestApproval } from '../../src/store/approvals.ts';
import { closeStaleApprovals } from '../../src/store/fence.ts';
import { mintIntend, mintRecheck } from '../../src/store/grants.ts';
import { storeNow } from '../../src/store/installation.ts';
import { openObligations } from '../../src/store/obligations.ts';
import { listenForStops, sendStopHint } from '../../src/store/stop-hints.ts';
import { terms } from '../store/calls.ts';
import { agentSpec, digestOf, fence, type Ledger, newId, startTask, stop } from '../store/ledger.ts';
import { type ControlRig, field, makeControl } from './rig.ts';

interface Heard {
  readonly id: string;
  readonly name: string;
  readonly data: Record<string, unknown>;
}

/** Where a client goes on from. */
const timeOf = (id: string): string => Buffer.from(id, 'base64url').toString();

describe('events', () => {
  let rig: ControlRig;
  let ledger: Ledger;
  beforeAll(async () => {
    rig = await makeControl();
    ledger = rig.ledger;
  });

  /** Opens the stream; `until` reads on until an event is found. */
  async function open(path: string, headers: Record<string, string> = {}) {
    const leaving = new AbortController();
    const response = await rig.app.request(path, {
      headers: { host: 'localhost', authorization: 'Bearer viewer', ...headers },
      signal: leaving.signal,
    });
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const events = readServerSentEvents(response.body as ReadableStream<Uint8Array>);
    const heard: Heard[] = [];
    const until = async (found: (event: Heard) => boolean): Promise<Heard> => {
      for (;;) {
        const { value, done } = await events.next();
        if (done === true)
          throw new Error(`the stream ended after ${JSON.stringify(heard.map((event) => event.name))}`);
        if (value.data === '') continue;
        const event = { id: value.id, name: value.name, data: JSON.parse(value.data) as Record<string, unknown> };
        heard.push(event);
        if (found(event)) return event;
      }
    };
    await until((event) => event.name === 'hello');
    return { heard, until, leave: () => leaving.abort() };
  }

  async function grant(): Promise<string> {
    const task = await startTask(ledger, agentSpec('billing-bot'));
    const grantId = newId('grant');
    const trusted = ledger.as('estop_trusted');
    await mintIntend(trusted, {
      grantId,
      name: 'db',
      taskId: task.taskId,
      connector: 'postgres',
      target: 'customers',
      shared: false,
      handle: {},
      epoch: task.epoch,
      lifeMs: 60_000,
    });
    await mintRecheck(trusted, grantId);
    return task.taskId;
  }

  it('a stop and each of its stages arrive as they are verified, with the shape that GET gives', async () => {
    const stream = await open('/v1/events');
    const latched = await stop(ledger, 'tool:files/delete');
    const first = await stream.until((event) => event.data['stopId'] === latched.stopId);
    expect(first.name).toBe('stop');
    expect(Stop.parse(first.data)).toMatchObject({ reached: 'latched', epoch: latched.epoch });
    await fence(ledger, latched.stopId);
    const second = await stream.until(
      (event) => event.data['stopId'] === latched.stopId && event.data['reached'] === 'fenced',
    );
    expect(Date.parse(timeOf(second.id))).toBeGreaterThanOrEqual(Date.parse(timeOf(first.id)));
    stream.leave();
  });

  it('whoever watches hears of a stop on its hint', async () => {
    const store = ledger.as('estop_control');
    const feed = createEventFeed({
      now: () => storeNow(store),
      looks: looksForChanges({ store, temporalUiUrl: undefined }),
      hints: (onHint) => listenForStops(store, onHint),
      onFailure: () => undefined,
      everyMs: 3_600_000, // never, as far as this test is concerned
    });
    const heard: unknown[] = [];
    let onEvent: () => void = () => undefined;
    const leave = await feed.subscribe((event) => {
      heard.push(event.data);
      onEvent();
    });
    const { stopId, epoch } = await stop(ledger, 'tool:files/move');
    await sendStopHint(ledger.as('estop_revoker'), epoch);
    const isHeard = (): boolean => heard.some((data) => Stop.safeParse(data).data?.stopId === stopId);
    while (!isHeard())
      await new Promise<void>((resolve) => {
        onEvent = resolve;
      });
    leave();
    feed.close();
  });

  it('what happens to an obligation arrives too, also a label that has no time of its own', async () => {
    const taskId = await grant();
    const latched = await stop(ledger, `task:${taskId}`);
    const stream = await open(`/v1/events?stop=${latched.stopId}`);
    await stream.until((event) => event.name === 'stop');
    await openObligations(ledger.as('estop_revoker'), latched.stopId);
    const opened = await stream.until((event) => event.name === 'obligation');
    expect(opened.data).toMatchObject({ stopId: latched.stopId, connector: 'postgres', state: 'open', attempts: 0 });
    await ledger.sql("UPDATE estop.obligations SET attempts = 3, last_error = 'no answer' WHERE stop_id = $1", [
      latched.stopId,
    ]);
    const tried = await stream.until((event) => event.name === 'obligation' && event.data['attempts'] === 3);
    expect(tried.data).toMatchObject({ lastError: 'no answer' });
    expect(stream.heard.every((event) => event.name === 'hello' || event.data['stopId'] === latched.stopId)).toBe(true);
    stream.leave();
  });

  it('the end of an obligation is told, however many others of the stop are still open', async () => {
    const { stopId, epoch } = await stop(ledger, 'tool:files/sign');
    await ledger.sql(
      `INSERT INTO estop.obligations (obligation_id, cause_id, stop_id, cause_epoch, grant_id, agent_id, task_id, connector, target, state)
       SELECT $1 || '-' || n, $1, $1, $2, $1 || n, 'billing-bot', 't', 'postgres', 'x', 'open' FROM generate_series(1, 2100) n`,
      [stopId, epoch],
    );
    const stream = await open('/v1/events');
    const one = `${stopId}-2100`;
    await ledger.sql("UPDATE estop.obligations SET state = 'expired', final_at = now() WHERE obligation_id = $1", [
      one,
    ]);
    const ended = await stream.until((event) => event.data['obligationId'] === one);
    expect(ended.data).toMatchObject({ state: 'expired' });
    stream.leave();
    await ledger.sql('DELETE FROM estop.obligations WHERE cause_id = $1', [stopId]);
  });

  it('a client that was away hears what it missed', async () => {
    const stream = await open('/v1/events');
    const before = await stop(ledger, 'model:a');
    const { id } = await stream.until((event) => event.data['stopId'] === before.stopId);
    stream.leave();
    const missed = await stop(ledger, 'model:b');
    await fence(ledger, missed.stopId);
    const task = await startTask(ledger, agentSpec('mail-bot'));
    const again = await open('/v1/events', { 'last-event-id': id });
    expect((await again.until((event) => event.data['stopId'] === missed.stopId)).data).toMatchObject({
      reached: 'fenced',
    });
    expect((await again.until((event) => event.data['taskId'] === task.taskId)).name).toBe('task');
    again.leave();
  });

  it('an id that this API never gave is no place to go on from', async () => {
    const now = Buffer.from(new Date().toISOString()).toString('base64url');
    for (const id of ["'; DROP TABLE estop.stops; --", '10m', '', 'MjAyNg', `${now}!`]) {
      const answer = await rig.call('GET', '/v1/events', { as: 'viewer', headers: { 'last-event-id': id } });
      expect([answer.status, answer.headers.get('content-type')], id).toEqual([422, 'application/problem+json']);
      expect(answer.body, id).toMatchObject({
        code: 'invalid-input',
        errors: [{ pointer: 'Last-Event-ID', message: expect.stringContaining('without one the stream begins now') }],
      });
    }
  });

  it('the end of an approval is an event of its own: its time over, or closed by a stop', async () => {
    const stream = await open('/v1/events');
    const task = await startTask(ledger, agentSpec('mail-bot'));
    const ask = async (text: string, ttlMs: number): Promise<string> => {
      const approvalId = newId('appr');
      const request = {
        approvalId,
        taskId: task.taskId,
        tokenEpoch: task.epoch,
        toolKey: 'tool:mail/send',
        shown: text,
      };
      await requestApproval(ledger.as('estop_gateway'), { ...request, digest: digestOf(text), ttlMs, ...terms });
      return approvalId;
    };
    const heard = (approvalId: string, state: string) =>
      stream.until((event) => event.data['approvalId'] === approvalId && event.data['state'] === state);
    const [waiting, approved, late] = [await ask('a', 60_000), await ask('b', 60_000), await ask('c', 600)];
    const decision = { decision: 'approved', actor: 'ada', reason: '' } as const;
    for (const approvalId of [approved, late])
      await decideApproval(ledger.as('estop_control'), { ...decision, approvalId });
    await heard(late, 'approved');
    const expired = await heard(late, 'expired');
    expect(expired.data['endedAt']).toBe(expired.data['expiresAt']);
    // Older than what the feed looks back for: only the end itself can bring them up again.
    await ledger.sql("UPDATE estop.approvals SET requested_at = now() - interval '1 hour' WHERE task_id = $1", [
      task.taskId,
    ]);
    const latched = await stop(ledger, `task:${task.taskId}`);
    await closeStaleApprovals(ledger.as('estop_revoker'));
    for (const approvalId of [waiting, approved])
      expect((await heard(approvalId, 'closed')).data).toMatchObject({ stoppedBy: latched.stopId });
    stream.leave();
  });

  it('arguments of a call that waits for approval are not spread to everybody who listens', async () => {
    const stream = await open('/v1/events');
    const task = await startTask(ledger, agentSpec('mail-bot'));
    await ledger.sql(
      `INSERT INTO estop.approvals (approval_id, task_id, agent_id, agents, keys, epoch, tool_key, digest, shown, reasons, policy_version, approvers, requested_by, state, expires_at) VALUES ($1, $2, 'mail-bot', '{mail-bot}', '{fleet}', 0, 'tool:mail/send', 'x', 'canary', '[{"policy": "p", "sentence": "canary"}]', 'none', 1, 'rita', 'pending', now() + interval '1 hour')`,
      [newId('appr'), task.taskId],
    );
    const asked = await stream.until((event) => event.name === 'approval');
    expect(asked.data).toMatchObject({ taskId: task.taskId, tool: 'mail/send', state: 'pending' });
    expect(JSON.stringify(asked.data)).not.toContain('canary');
    stream.leave();
  });
});

describe('a stream and its token', () => {
  it.each([
    ['the token is revoked', { ok: false, code: 'unauthenticated' } as const],
    ['the role is taken away', { ok: true, identity: { actor: 'vera', roles: ['agent-worker'] } } as const],
  ])('ends when %s, while the client still listens', async (_what, later) => {
    const rig = await makeControl();
    let isLater = false;
    const first = { ok: true, identity: { actor: 'vera', roles: ['viewer'] } } as const;
    const authenticator = { authenticate: () => (isLater ? later : first) };
    const { app } = rig.withDeps({ authenticator, eventHeartbeatMs: 20 });
    const response = await app.request('/v1/events', { headers: { host: 'localhost', authorization: 'Bearer x' } });
    isLater = true;
    expect(await response.text()).not.toContain('event: bye'); // it ended, and not because of its age
  });
});

describe('a client that opens the stream and never reads', () => {
  it.each(['/v1/events', '/events'])('at %s is let go of far behind, connection and all', async (path) => {
    const subscribers = new Set<(event: FeedEvent) => void>();
    const events: EventFeed = {
      subscribe: async (subscriber) => {
        subscribers.add(subscriber);
        return () => void subscribers.delete(subscriber);
      },
      backlog: async () => [],
      listeners: () => subscribers.size,
      close: () => undefined,
    };
    const { app } = (await makeControl()).withDeps({ events });
    const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false, createServer }) as Server; // createServer of node:http makes exactly this
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo; // it listens on TCP
    const deaf = connect(port, '127.0.0.1').pause();
    onTestFinished(() => {
      deaf.destroy();
      server.closeAllConnections();
      server.close();
    });
    deaf.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer viewer\r\n\r\n`);
    while (subscribers.size < 1) await turn();
    const reading = await fetch(`http://127.0.0.1:${port}/v1/events`, {
      headers: { authorization: 'Bearer viewer' },
    });
    while (subscribers.size < 2) await turn();
    const heard = readServerSentEvents(reading.body as ReadableStream<Uint8Array>);
    let last = -1;
    const follow = async (): Promise<void> => {
      for await (const { name, data } of heard) if (name === 'stop') last = Number(field(JSON.parse(data), 'n'));
    };
    const following = follow().catch(() => undefined);
    // Nobody is pushed on before the one who reads has heard the last: what is left behind is the other alone.
    let n = 0;
    for (; n < 60_000 && subscribers.size > 1; n += 1) {
      const event = feedEvent('2026-01-01T00:00:00Z', { name: 'stop', data: { n, text: 'x'.repeat(2_000) } });
      for (const push of subscribers) push(event);
      if (n % 100 === 99) while (last < n) await turn();
    }
    expect(subscribers.size).toBe(1);
    const connections = () => new Promise((resolve) => void server.getConnections((_, count) => resolve(count)));
    await expect.poll(connections, { timeout: 8_000 }).toBe(1);
    for (const push of subscribers) push(feedEvent('2026-01-01T00:00:00Z', { name: 'stop', data: { n: 70_000 } }));
    while (last < 70_000) await turn();
    server.closeAllConnections();
    await following;
  });
});
