import { expect, it } from 'vitest';
import { AuditPage } from '../../src/contract/http/audit.ts';
import { startStopServer } from '../../src/stop/server.ts';
import { makeControl } from '../control/rig.ts';
import { origin, peopleRig } from '../control/sign-in/people.ts';
import { newId } from '../store/ledger.ts';

it('a stop that nobody acknowledged is sent again as the same order: its id, its category and its reason', async () => {
  const rig = (await makeControl()).withDeps({ stopUrl: 'http://127.0.0.1:1' });
  const stopId = newId('stop');
  const fields = { scope: 'agent:billing-bot', stopId, category: '1', reason: 'it "pays" twice' };
  const page = await rig.call('POST', '/stop', {
    as: 'olga@operator',
    raw: new URLSearchParams(fields).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  expect(page.status).toBe(503);
  const [, form = ''] =
    /<main[^>]*>[\s\S]*?<form method="post" action="\/stop"[^>]*>([\s\S]*?)<\/form>/.exec(page.text) ?? [];
  const sent = Object.fromEntries(
    [...form.matchAll(/name="([^"]*)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  );
  expect(sent).toEqual({ ...fields, reason: 'it &quot;pays&quot; twice' });
  expect(page.text.replaceAll(/<[^>]*>/g, '')).toContain(`--stop-id ${stopId} --category 1`);
});

it('a stop that was refused is in the audit once, with who tried it, what, and by which way', async () => {
  const made = await makeControl();
  const stopProcess = await startStopServer({
    environment: 'test',
    host: '127.0.0.1',
    port: 0,
    databaseUrl: made.ledger.urls.estop_stop,
    temporalAddress: '127.0.0.1:1',
    authenticator: made.deps.authenticator,
    log: made.deps.log,
  });
  try {
    const page = await made.withDeps({ stopUrl: stopProcess.url }).call('POST', '/stop', {
      as: 'vera@viewer',
      raw: new URLSearchParams({ scope: 'agent:billing-bot', stopId: newId('stop') }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(page.status).toBe(403);
    const trail = async () =>
      AuditPage.parse((await made.call('GET', '/v1/audit?actor=vera', { as: 'viewer' })).body).items;
    await expect.poll(trail, { timeout: 20_000 }).toMatchObject([
      {
        kind: 'attempt.refused',
        method: 'console',
        subject: 'agent:billing-bot',
        detail: { because: 'forbidden', times: 1 },
      },
    ]);
  } finally {
    await stopProcess.close();
  }
});

it('an operator over a part who stops more is told how far the role reaches, and not that they may only look', async () => {
  const made = await makeControl();
  const people = peopleRig(made, {
    roles: [{ role: 'operator', people: ['lara@example.org'], groups: [], labels: { team: 'payments' } }],
  });
  const cookie = await people.signIn('lara@example.org');
  const stopProcess = await startStopServer({
    environment: 'test',
    host: '127.0.0.1',
    port: 0,
    databaseUrl: made.ledger.urls.estop_stop,
    temporalAddress: '127.0.0.1:1',
    authenticator: made.deps.authenticator,
    log: made.deps.log,
  });
  try {
    const rig = people.rig.withDeps({ stopUrl: stopProcess.url });
    const order = async () => {
      const page = await rig.call('POST', '/stop', {
        raw: new URLSearchParams({ scope: 'fleet', stopId: newId('stop') }).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', cookie, origin },
      });
      return `${page.status} ${page.text}`;
    };
    await expect.poll(order, { timeout: 20_000 }).toContain('Your role does not reach that much');
    const page = await order();
    expect([page.startsWith('403 '), page.includes('You may look, and not stop')]).toEqual([true, false]);
    expect(page.replaceAll(/<[^>]*>/g, '')).toContain('You may not stop everything');
  } finally {
    await stopProcess.close();
  }
});
