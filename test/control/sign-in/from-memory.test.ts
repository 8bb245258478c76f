import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCallers } from '../../../src/control/sign-in/callers.ts';
import { startStopServer } from '../../../src/stop/server.ts';
import { openStore, type Store } from '../../../src/store/pool.ts';
import { agentSpec, newId, startTask } from '../../store/ledger.ts';
import { type ControlRig, makeControl, silentStore } from '../rig.ts';
import { origin, type PeopleRig, peopleRig } from './people.ts';

describe('whoever is known from memory alone, because the store did not say in time who they are', () => {
  let people: PeopleRig;
  let hasty: Store;
  beforeAll(async () => {
    const made = await makeControl([agentSpec('billing-bot'), agentSpec('mail-bot', { labels: { team: 'mail' } })]);
    // As control has it, but quicker to give up.
    hasty = openStore({ url: made.ledger.urls.estop_control, applicationName: 'hasty', max: 8, queryTimeoutMs: 400 });
    people = peopleRig(made.withDeps({ store: hasty }), {
      roles: [
        { role: 'operator', people: ['olga@example.org'], groups: [] },
        { role: 'operator', people: ['mick@example.org'], groups: [], labels: { team: 'mail' } },
      ],
    });
  });
  afterAll(async () => {
    await hasty.end();
  });

  /** One look at who asks finds no answer in time; everything else in the store answers as ever. */
  async function whileNobodyIsFound<Result>(work: () => Promise<Result>): Promise<Result> {
    const session = await people.rig.ledger.session();
    await session.query('BEGIN');
    await session.query('LOCK TABLE estop.sign_ins IN ACCESS EXCLUSIVE MODE');
    try {
      return await work();
    } finally {
      await session.query('ROLLBACK');
    }
  }
  const isHeld = async (taskId: string) =>
    (await people.rig.ledger.sql('SELECT held FROM estop.tasks WHERE task_id = $1', [taskId]))[0]?.['held'] === true;
  const proofOf = async (rig: ControlRig, cookie: string): Promise<string> => {
    const seen = await rig.call('GET', '/', { headers: { cookie, accept: 'text/html' } });
    const line = seen.headers.getSetCookie().find((one) => one.includes('stop-proof')) ?? '';
    return line.split(';')[0] ?? '';
  };

  it('changes nothing: a person who was disabled meanwhile does not act on what is remembered of them', async () => {
    const cookie = await people.signIn('olga@example.org');
    const { taskId } = await startTask(people.rig.ledger, agentSpec('billing-bot'));
    expect((await people.as(cookie, 'GET', '/v1/tasks')).status).toBe(200);
    await people.rig.ledger.sql("UPDATE estop.people SET disabled_at = now() WHERE name = 'olga@example.org'");
    const answers = await whileNobodyIsFound(() =>
      Promise.all([
        people.as(cookie, 'POST', `/v1/tasks/${taskId}:hold`),
        people.as(cookie, 'GET', '/v1/tasks'),
        people.as(cookie, 'GET', '/v1/config'),
      ]),
    );
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
    expect(await isHeld(taskId)).toBe(false);
  });

  it('changes nothing: the proof of somebody whose role is bounded by labels makes them no operator of everything', async () => {
    const cookie = await people.signIn('mick@example.org');
    const both = `${cookie}; ${await proofOf(people.rig, cookie)}`;
    const { taskId } = await startTask(people.rig.ledger, agentSpec('billing-bot'));
    expect((await people.as(cookie, 'POST', `/v1/tasks/${taskId}:hold`)).status).toBe(403);
    const { authenticator, config, log } = people.rig.deps;
    const anew = people.rig.withDeps({
      openPayloads: async (payloads) => payloads,
      callers: createCallers({ store: hasty, authenticator, config, log }),
    });
    const answer = await whileNobodyIsFound(() =>
      anew.call('POST', `/v1/tasks/${taskId}:hold`, { headers: { cookie: both, origin }, body: {} }),
    );
    expect(answer.status).toBe(503);
    expect(await isHeld(taskId)).toBe(false);
    const opening = await whileNobodyIsFound(() =>
      anew.call('POST', '/codec/decode', { headers: { cookie: both, origin }, body: { payloads: [] } }),
    );
    expect(opening.status).toBe(503);
  });

  it('is not pushed out of it by the tokens of services, of which each may be another one', async () => {
    await people.rig.ledger.sql('UPDATE estop.people SET disabled_at = NULL');
    const secret = (await people.signIn('olga@example.org')).split('=')[1] ?? '';
    const { authenticator, config, log } = people.rig.deps;
    const service = { actor: 'service:nightly', person: 'service:nightly', roles: ['viewer'] } as const;
    const callers = createCallers({ store: hasty, authenticator, config, log, services: async () => service });
    const olga = { kind: 'cookie', secret } as const;
    await callers.find(olga);
    for (let nth = 0; nth < 10_001; nth += 1) await callers.find({ kind: 'bearer', secret: `e30.e30.${nth}` });
    expect(callers.lastKnown(olga)).toMatchObject({ actor: 'olga@example.org' });
    expect(callers.remembered({ kind: 'bearer', secret: 'e30.e30.10000' })).toEqual(service);
    expect(callers.remembered({ kind: 'bearer', secret: 'e30.e30.0' })).toBeUndefined();
  });

  it('still learn whether an order would be heard: nobody waits for the store with that', async () => {
    const { authenticator, config, log } = people.rig.deps;
    const taker = createServer((_request, response) => response.end('{}'));
    const asked = once(taker, 'request').then(() => 'asked');
    await new Promise<void>((resolve) => void taker.listen(0, '127.0.0.1', resolve));
    const address = taker.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    try {
      const silent = people.rig.withDeps({
        stopUrl: `http://127.0.0.1:${port ?? 1}`,
        callers: createCallers({ store: silentStore, authenticator, config, log }),
      });
      void silent.call('GET', '/ping', { headers: { cookie: `estop-test-sign-in=${'A'.repeat(43)}` } });
      expect(await Promise.race([asked, pause(20_000, 'not asked', { ref: false })])).toBe('asked');
    } finally {
      taker.close();
      taker.closeAllConnections();
    }
  });

  it('still stops what they may: also where nobody here remembers them, and they hold no proof, the stop process judges', async () => {
    await people.rig.ledger.sql('UPDATE estop.people SET disabled_at = NULL');
    const cookie = await people.signIn('olga@example.org');
    const { authenticator, config, log } = people.rig.deps;
    const stopProcess = await startStopServer({
      environment: 'test',
      host: '127.0.0.1',
      port: 0,
      databaseUrl: people.rig.ledger.urls.estop_stop,
      temporalAddress: '127.0.0.1:1',
      authenticator,
      log,
    });
    try {
      const anew = people.rig.withDeps({
        stopUrl: stopProcess.url,
        callers: createCallers({ store: hasty, authenticator, config, log }),
      });
      const orderAt = (rig: ControlRig, shown: string, from = origin) =>
        rig.call('POST', '/stop', {
          raw: new URLSearchParams({ scope: 'agent:mail-bot', stopId: newId('stop') }).toString(),
          headers: { 'cookie': shown, 'origin': from, 'content-type': 'application/x-www-form-urlencoded' },
        });
      // Until the stop process has heard of this sign-in.
      await expect.poll(async () => (await orderAt(anew, cookie)).status, { timeout: 10_000 }).toBe(303);
      const fresh = { callers: createCallers({ store: hasty, authenticator, config, log }) };
      const restarted = anew.withDeps(fresh);
      const [mine, strange, foreign, page] = await whileNobodyIsFound(() =>
        Promise.all([
          orderAt(restarted, cookie),
          orderAt(restarted, `estop-test-sign-in=${'A'.repeat(43)}`),
          orderAt(restarted, cookie, 'http://control.example.org:8080'),
          restarted.call('GET', '/', { headers: { cookie, accept: 'text/html' } }),
        ]),
      );
      expect([mine?.status, strange?.status, foreign?.status]).toEqual([303, 503, 403]);
      // Nor is a store waited for that has taken the question and says nothing.
      const silent = anew.withDeps({ callers: createCallers({ store: silentStore, authenticator, config, log }) });
      const stopped = orderAt(silent, cookie).then(({ status }) => status);
      expect(await Promise.race([stopped, pause(20_000, 'still waiting', { ref: false })])).toBe(303);
      expect(strange?.text).toContain('<h1>Not stopped</h1>');
      expect(page?.status).toBe(503);
      expect(page?.text).toContain('data-stop="fleet"');
      expect(page?.text).not.toContain('operator');
    } finally {
      await stopProcess.close();
    }
  });
});
