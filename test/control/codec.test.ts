import { beforeAll, describe, expect, it } from 'vitest';
import { ensureKeys, openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { createPayloadCodec } from '../../src/runtime/keys/payload-codec.ts';
import { createSealer } from '../../src/runtime/keys/sealer.ts';
import { openStore } from '../../src/store/pool.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { type Answer, allRoles, type ControlRig, field, makeControl } from './rig.ts';

const ui = 'http://ui.example.org';
const secret = 'canary-prompt-2718';

interface Wire {
  readonly metadata?: Record<string, string>;
  readonly data?: string;
}
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const plainOf = ({ data = '' }: Wire): string => Buffer.from(data, 'base64').toString();

describe('the codec endpoint of Temporal', () => {
  let rig: ControlRig;
  let sealed: Wire;
  beforeAll(async () => {
    const keys = tempFolder();
    ensureKeys(keys, 'test');
    const codec = createPayloadCodec(createSealer(openKeyRing(keys, 'codec', 'test')));
    rig = (await makeControl()).withDeps({ openPayloads: (payloads) => codec.decode(payloads) });
    const [payload] = await codec.encode([
      { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(JSON.stringify(secret)) },
    ]);
    sealed = {
      metadata: { encoding: Buffer.from(payload?.metadata?.['encoding'] ?? []).toString('base64') },
      data: Buffer.from(payload?.data ?? []).toString('base64'),
    };
  });
  const decode = (
    as: string | undefined,
    options: { body?: unknown; headers?: Record<string, string>; rig?: ControlRig } = {},
  ): Promise<Answer> =>
    (options.rig ?? rig).call('POST', '/codec/decode', {
      ...(as === undefined ? {} : { as }),
      body: options.body ?? { payloads: [sealed] },
      headers: { 'x-namespace': 'estop-agents', ...options.headers },
    });
  const audited = async (actor: string): Promise<readonly { kind: string; subject: string; detail: unknown }[]> => {
    const rows = await rig.ledger.sql('SELECT kind, subject, detail FROM estop.audit WHERE actor = $1 ORDER BY seq', [
      actor,
    ]);
    return rows as unknown as { kind: string; subject: string; detail: unknown }[]; // the columns above
  };

  it('opens what is sealed for an operator, and writes down who asked for what', async () => {
    const answer = await decode('olga@operator');
    expect(answer.status).toBe(200);
    const { payloads } = answer.body as { payloads: readonly Wire[] };
    expect(payloads.map(plainOf)).toEqual([JSON.stringify(secret)]);
    expect(payloads[0]?.metadata).toEqual({ encoding: base64('json/plain') });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await audited('olga')).toEqual([
      {
        kind: 'payload.decoded',
        subject: 'namespace:estop-agents',
        detail: { payloads: 1, opened: 1, requests: 1, until: expect.any(String) as unknown, from: 'command line' },
      },
    ]);
  });

  it('writes one reading down as one, with all that it took, and another person, namespace or later hour as another', async () => {
    const elsewhere = { 'x-namespace': 'estop-control' };
    await decode('rosa@operator');
    await Promise.all(Array.from({ length: 20 }, () => decode('rosa@operator')));
    await Promise.all([decode('rosa@operator', { headers: elsewhere }), decode('carl@operator')]);
    const of = async (actor: string) =>
      (await audited(actor)).map(({ subject, detail }) => [
        subject,
        ...['requests', 'opened'].map((key) => field(detail, key)),
      ]);
    expect(await of('carl')).toEqual([['namespace:estop-agents', 1, 1]]);
    const both = [
      ['namespace:estop-agents', 21, 21],
      ['namespace:estop-control', 1, 1],
    ];
    expect(await of('rosa')).toEqual(both);
    for (const late of [
      `at = at - interval '1 minute'`,
      `detail = detail || jsonb_build_object('until', clock_timestamp() - interval '11 seconds')`,
    ]) {
      await rig.ledger.sql(
        `UPDATE estop.audit SET ${late} WHERE actor = 'rosa' AND subject = 'namespace:estop-agents'`,
      );
      await decode('rosa@operator');
    }
    expect(await of('rosa')).toEqual([...both, ['namespace:estop-agents', 1, 1], ['namespace:estop-agents', 1, 1]]);
  });

  it.each(allRoles)('is for operators and admins; %s', async (role) => {
    const may = role === 'operator' || role === 'admin';
    const answer = await decode(`codec-${role}@${role}`);
    expect(answer.status).toBe(may ? 200 : 403);
    expect(answer.text.includes(base64(JSON.stringify(secret)))).toBe(may);
    expect((await audited(`codec-${role}`)).map(({ kind }) => kind)).toEqual([
      may ? 'payload.decoded' : 'request.denied',
    ]);
  });

  it('opens nothing for nobody', async () => {
    expect((await decode(undefined)).status).toBe(401);
    expect((await decode('nonsense')).status).toBe(401);
    const noted = () => rig.ledger.sql("SELECT subject, because FROM estop.refused_attempts WHERE door = 'codec'");
    await expect.poll(noted, { timeout: 20_000 }).toEqual([{ subject: '/codec/decode', because: 'unauthenticated' }]);
  });

  it('opens nothing that cannot be recorded', async () => {
    const store = openStore({ url: 'postgresql://nobody@127.0.0.1:1/none', applicationName: 'test', max: 1 });
    const answer = await decode('olga@operator', { rig: rig.withDeps({ store }) });
    await store.end();
    expect(answer.status).toBe(503);
    expect(answer.text).not.toContain(base64(JSON.stringify(secret)));
  });

  it('hands back what it cannot open as it came, and what was never sealed too', async () => {
    const foreign = { ...sealed, data: base64('not sealed by us') };
    const plain = { metadata: { encoding: base64('json/plain') }, data: base64('"hello"') };
    const { body } = await decode('odd@operator', { body: { payloads: [foreign, plain, sealed] } });
    const { payloads } = body as { payloads: readonly Wire[] };
    expect(payloads.slice(0, 2)).toEqual([foreign, plain]);
    expect(plainOf(payloads[2] ?? {})).toBe(JSON.stringify(secret));
    expect((await audited('odd')).at(-1)?.detail).toMatchObject({ payloads: 3, opened: 1 });
  });

  it('takes the question about nothing that Temporal’s command line asks of a signal without a word', async () => {
    const answer = await decode('nora@operator', { body: {} });
    expect([answer.status, answer.body]).toEqual([200, { payloads: [] }]);
    expect((await decode('vera@viewer', { body: {} })).status).toBe(403);
  });

  it.each([
    ['what is no list', { payloads: 'x' }],
    ['a list of words', { payloads: ['x'] }],
    ['what is not base64', { payloads: [{ data: '§§§' }] }],
    ['too many', { payloads: Array.from({ length: 5_001 }, () => ({})) }],
  ])('refuses %s', async (_what, body) => {
    expect((await decode('olga@operator', { body })).status).toBe(422);
  });

  it('refuses more than a history ever has in one piece', async () => {
    const answer = await decode('olga@operator', { body: { payloads: [{ data: 'A'.repeat(5 * 1024 * 1024) }] } });
    expect(answer.status).toBe(413);
  });

  it('does not encode', async () => {
    expect((await rig.call('POST', '/codec/encode', { as: 'admin', body: { payloads: [] } })).status).toBe(404);
  });

  it('lets Temporal’s UI ask, and the pages of nobody else', async () => {
    const answer = await decode('olga@operator', { headers: { origin: ui, 'sec-fetch-site': 'same-site' } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe(ui);
    expect(answer.headers.get('access-control-allow-credentials')).toBe('true');
    for (const origin of [
      'http://ui.example.org.attacker.example',
      'https://ui.example.org',
      'null',
      'http://attacker.example',
    ]) {
      const refused = await decode('olga@operator', { headers: { origin } });
      expect(refused.status, origin).toBe(403);
      expect(refused.headers.get('access-control-allow-origin'), origin).toBeNull();
    }
    // Without an origin, or with our own, nothing is said about origins.
    expect((await decode('olga@operator')).headers.get('access-control-allow-origin')).toBeNull();
    // The rest of the API stays closed to it.
    expect((await rig.call('GET', '/v1/tasks', { as: 'olga@operator', headers: { origin: ui } })).status).toBe(403);
  });

  it('takes a sign-in from Temporal’s UI, and from no other page', async () => {
    const made = await rig.call('POST', '/v1/login-links', { as: 'sina@operator', body: {} });
    const entered = await rig.call('POST', new URL(String(field(made.body, 'url'))).pathname, {
      headers: { origin: 'http://control.example.org' },
    });
    const cookie = (entered.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    expect((await decode(undefined, { headers: { cookie, origin: ui } })).status).toBe(200);
    expect((await decode(undefined, { headers: { cookie } })).status).toBe(403);
    expect((await audited('sina')).at(-1)).toMatchObject({ kind: 'payload.decoded', detail: { from: ui } });
  });

  it('answers a preflight for Temporal’s UI alone', async () => {
    const ask = (origin: string) =>
      rig.app.request('/codec/decode', {
        method: 'OPTIONS',
        headers: { host: 'localhost', origin, 'access-control-request-method': 'POST' },
      });
    const good = await ask(ui);
    expect(good.status).toBe(204);
    expect(good.headers.get('access-control-allow-origin')).toBe(ui);
    expect(good.headers.get('access-control-allow-headers')).toContain('x-namespace');
    const bad = await ask('http://attacker.example');
    expect(bad.status).toBe(403);
    expect(bad.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('lets a refusal be read by Temporal’s UI, so that it can say what is wrong', async () => {
    const answer = await decode('vera@viewer', { headers: { origin: ui } });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('access-control-allow-origin')).toBe(ui);
  });
});
