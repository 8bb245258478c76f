import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { defaultSignIn } from '../../src/contract/config.ts';
import { backtestOnce } from '../../src/control/backtest/backtest.ts';
import { readPolicyFolder } from '../../src/policy/read-folder.ts';
import { policiesFolder } from '../../src/runtime/package-root.ts';
import { noteTools } from '../../src/store/tool-pins.ts';
import { type ControlRig, field, makeControl } from './rig.ts';

const shipped = readPolicyFolder(policiesFolder);
const team = (text: string): Readonly<Record<string, string>> => ({ ...shipped, 'team.cedar': text });
const large = team(`@id("large") @ask("A large refund.")
  forbid (principal, action == Action::"billing/refund", resource) when { context.input.cents > 100000 } unless { context.approved };`);
const slip = team(`@id("large") @ask("A large refund.")
  forbid (principal, action == Action::"billing/refund", resource) when { context.input.amuont > 5 } unless { context.approved };`);

let rig: ControlRig;
beforeAll(async () => {
  rig = await makeControl();
  const inputSchema = { type: 'object', properties: { cents: { type: 'integer' } }, required: ['cents'] };
  const definition = JSON.stringify({ inputSchema, name: 'refund' });
  const proposal = { tier: 'destructive', labels: [], because: 'a test', look: 'refund' } as const;
  await noteTools(rig.ledger.as('estop_gateway'), 'billing', [{ tool: 'refund', hash: 'h', definition, ...proposal }]);
});

const inForce = async (): Promise<Readonly<Record<string, unknown>>> =>
  JSON.parse((await rig.call('GET', '/v1/policies', { as: 'viewer' })).text);
const activate = (files: object, as = 'admin', on = rig) =>
  on.call('POST', '/v1/policies:activate', { as, body: { files, reason: 'a test' } });
const rollBack = (body: object = {}, as = 'admin', on = rig) =>
  on.call('POST', '/v1/policies:rollback', { as, body: { reason: 'a test', ...body } });

describe('policies over the API', () => {
  it('are those that come with estop until a person activates others', async () => {
    expect(await inForce()).toMatchObject({ activation: 0, files: shipped, history: [] });
  });

  it('are checked against the schemas of the tools on record', async () => {
    const check = (files: object) => rig.call('POST', '/v1/policies:check', { as: 'viewer', body: { files } });
    expect((await check(large)).body).toMatchObject({ valid: true, faults: [], tools: 1 });
    const { body } = await check(slip);
    expect(body).toMatchObject({ valid: false, version: null, faults: [{ policy: 'large' }] });
    expect(JSON.stringify(body)).toContain('did you mean `cents`?');
  });

  it('that are not valid are refused with every fault, and what is in force stays', async () => {
    const before = await inForce();
    const refused = await activate(slip);
    expect(refused).toMatchObject({ status: 422, body: { code: 'invalid-input' } });
    expect(refused.text).toContain('amuont');
    expect(await inForce()).toEqual(before);
    expect(
      rig.logged.some(
        ({ level, fields }) => level === 'error' && 'event' in fields && fields.event === 'policy.refused',
      ),
    ).toBe(true);
  });

  it('are activated, activated again without effect, and rolled back to what came before', async () => {
    const first = await activate(large);
    expect(first).toMatchObject({ status: 200, body: { outcome: 'activated', activation: 1 } });
    expect((await activate(large)).body).toMatchObject({ outcome: 'already', activation: 1 });
    expect((await rollBack()).body).toMatchObject({ outcome: 'activated', activation: 2 });
    expect(await inForce()).toMatchObject({
      activation: 2,
      files: shipped,
      history: [{ activation: 2 }, { activation: 1 }],
    });
    expect((await rollBack({ version: field(first.body, 'version') })).body).toMatchObject({ activation: 3 });
    expect(await inForce()).toMatchObject({ activation: 3, files: large });
    expect((await rollBack({ version: '0123456789abcdef' })).status).toBe(404);
  });

  it('wait for another person where the configuration wants two, under whatever name', async () => {
    const signIn = { ...defaultSignIn, persons: { ann: ['annika'] } };
    const current = () => ({ ...rig.deps.config.current(), signIn, policies: { activationPeople: 2 } as const });
    const two = rig.withDeps({ config: { current } });
    const before = await inForce();
    const wanted = team('// Nothing more.');
    expect(await activate(wanted, 'ann@admin', two)).toMatchObject({
      status: 202,
      body: { outcome: 'awaiting-second-person' },
    });
    // In whatever letters, she is no other person.
    for (const same of ['ann', 'annika', 'ANN'])
      expect((await activate(wanted, `${same}@admin`, two)).status).toBe(202);
    // Whoever is the second reads what is wanted, by whom and why, where they look for what is in force.
    expect(before).toMatchObject({ proposed: [] });
    const waiting = { ...(await inForce()) };
    const proposals = waiting['proposed'] as readonly { readonly version: string; readonly proposedBy: string }[];
    expect(proposals.map(({ proposedBy }) => proposedBy).toSorted()).toEqual(['ANN', 'ann', 'annika']);
    expect(proposals[0]).toMatchObject({ files: wanted, reason: 'a test', endsAt: expect.any(String) });
    expect({ ...waiting, proposed: [] }).toEqual(before);
    const shown = async (as: string) => (await two.call('GET', '/policy', { as })).text;
    const [hers, his, viewers] = [await shown('annika@admin'), await shown('bob@admin'), await shown('viewer')];
    const button = 'Put it in force, as the second person';
    expect([hers, his, viewers].map((page) => page.includes(button))).toEqual([false, true, false]);
    expect(hers).toContain('You wanted it yourself');
    expect(his).toContain('<ins>+ // Nothing more.</ins>');
    expect(his).not.toContain('proposed-data-flow');
    expect(his.indexOf('Waits for a second person')).toBeLessThan(his.indexOf('The texts in force'));
    const version = String(proposals[0]?.version);
    const now = String(field(before, 'activation'));
    const seconds = async (as: string, form: Readonly<Record<string, string>>): Promise<number> => {
      const raw = new URLSearchParams({ version, after: now, reason: 'read it', ...form }).toString();
      const headers = { 'accept': 'text/html', 'content-type': 'application/x-www-form-urlencoded' };
      return (await two.call('POST', '/policy/second', { as, raw, headers })).status;
    };
    expect(await seconds('bob@admin', { version: '0123456789abcdef' })).toBe(404);
    expect(await seconds('vera@viewer', {})).toBe(403);
    // What it was compared with is in force no longer: it was another change that was read.
    expect(await seconds('bob@admin', { after: '999' })).toBe(409);
    expect((await inForce())['activation']).toBe(field(before, 'activation'));
    // What was never in force is no earlier set: neither as a second person's word, nor where one person is enough by now.
    for (const api of [two, rig])
      expect([(await rollBack({ version }, 'bob@admin', api)).status, field(await inForce(), 'activation')]).toEqual([
        404,
        Number(now),
      ]);
    expect(await seconds('bob@admin', {})).toBe(303);
    expect(await inForce()).toMatchObject({ activation: Number(now) + 1 });
    const trail = field((await rig.call('GET', '/v1/audit?limit=20', { as: 'viewer' })).body, 'items');
    expect(trail).toContainEqual(
      expect.objectContaining({ kind: 'policy.activated', actor: 'bob', method: 'console', reason: 'read it' }),
    );
    expect(trail).toContainEqual(
      expect.objectContaining({
        kind: 'request.denied',
        actor: 'vera',
        detail: { what: 'activatePolicies', code: 'forbidden' },
      }),
    );
    expect(await inForce()).toMatchObject({ files: wanted, proposed: [] });
    expect(await shown('bob@admin')).not.toContain(button);
    expect((await activate(shipped)).status).toBe(200);
    // An earlier set needs two people as well: the second one wants the same, by either way.
    expect((await rollBack({ version }, 'ann@admin', two)).status).toBe(202);
    expect(await rollBack({ version }, 'bob@admin', two)).toMatchObject({
      status: 200,
      body: { outcome: 'activated' },
    });
    expect((await activate(shipped)).status).toBe(200);
  });
});

describe('recorded runs through the policies, over the API', () => {
  const call = (to: string) => ({ tool: 'send_letter', args: { recipient: to, body: 'The plan.' }, output: 'sent' });
  const tools = JSON.stringify({
    post: [
      {
        name: 'send_letter',
        description: 'Sends a letter.',
        inputSchema: { type: 'object', properties: { recipient: { type: 'string' }, body: { type: 'string' } } },
      },
    ],
  });
  const recording = (calls: readonly object[], more: object = {}): string =>
    JSON.stringify({ run: 'one', request: 'Send the plan to ann@corp.com', tools: 'post', calls, ...more });
  const test = (body: object, as = 'viewer') => rig.call('POST', '/v1/policies:test', { as, body });

  it('are decided as in a terminal, by the set in force or by one that is handed in, and change nothing', async () => {
    const before = await rig.ledger.sql('SELECT count(*) FROM estop.audit');
    const runs = `${recording([call('ann@corp.com'), call('thief@evil.net')])}\r\n\r\n${recording([], { run: 'two' })}\n`;
    const answer = await test({ runs, tools });
    expect(answer).toMatchObject({ status: 200, body: { counts: { runs: 2, allow: 1, ask: 1, deny: 0 } } });
    expect(field(answer.body, 'items', 0, 'decisions')).toEqual(['allow', 'ask']);
    expect(field(answer.body, 'items', 0, 'reasons', 1)).toContain('thief@evil.net');
    const none = team('@id("none") @deny("None.") forbid (principal, action in Action::"tool", resource);');
    const strict = await test({ runs, tools, files: none });
    expect(field(strict.body, 'items', 0, 'decisions')).toEqual(['deny', 'deny']);
    expect(await rig.ledger.sql('SELECT count(*) FROM estop.audit')).toEqual(before);
  });

  it.each([
    ['are no JSON', { runs: '{}\n{' }, 'runs:1'],
    [
      'name a list that there is not',
      { runs: recording([], { tools: 'none' }), tools },
      'runs:1 names the tools \\"none\\"; tools has: post.',
    ],
    ['are too many', { runs: recording(Array(9_000).fill(call('ann@corp.com'))), tools }, 'At most 5000 calls'],
    ['come with policies that are none', { runs: recording([]), files: { 'a.cedar': 'nonsense' } }, '/files/a.cedar'],
    ['are longer than may be handed in', { runs: ' '.repeat(1_000_001) }, 'At most 1000000 characters'],
  ])('that %s are refused with a sentence', async (_what, body, words) => {
    const answer = await test(body);
    expect([answer.status < 500 && answer.status >= 400, answer.text.includes(words)]).toEqual([true, true]);
  });

  it('hold up nothing else: pages are answered meanwhile, and a second one is told to wait', async () => {
    const long = { runs: recording(Array(2_000).fill(call('thief@evil.net'))), tools };
    let isOver = false;
    const both = Promise.all([test(long), test(long)]).finally(() => {
      isOver = true;
    });
    let pages = 0;
    while (!isOver) {
      expect((await rig.call('GET', '/v1/policies', { as: 'viewer' })).status).toBe(200);
      pages += 1;
      await sleep(20); // or nobody else would have much of the machine
    }
    const answers = (await both)
      .map(({ status, body }) => [status, field(body, 'code')] as const)
      .toSorted(([one], [other]) => one - other);
    expect([pages > 5, answers]).toEqual([
      true,
      [
        [200, undefined],
        [409, 'conflict'],
      ],
    ]);
  });

  it('are over when their time is, and the next one is decided', async () => {
    const order = {
      files: shipped,
      runs: recording(Array(4_000).fill(call('thief@evil.net'))),
      tools,
      assume: 'deny',
    } as const;
    const { signal } = new AbortController();
    await expect(backtestOnce(rig.deps, order, { patienceMs: 1, signal })).rejects.toMatchObject({
      code: 'limit-exceeded',
    });
    expect((await test({ runs: recording([]), tools })).status).toBe(200);
  });
});
