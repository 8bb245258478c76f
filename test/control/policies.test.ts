import { beforeAll, describe, expect, it } from 'vitest';
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

const inForce = async (): Promise<unknown> => (await rig.call('GET', '/v1/policies', { as: 'viewer' })).body;
const activate = (files: object, as = 'admin', on = rig) =>
  on.call('POST', '/v1/policies:activate', { as, body: { files, reason: 'a test' } });
const rollBack = (body: object = {}, as = 'admin') =>
  rig.call('POST', '/v1/policies:rollback', { as, body: { reason: 'a test', ...body } });

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

  it('wait for another person where the configuration wants two', async () => {
    const config = { current: () => ({ ...rig.deps.config.current(), policies: { activationPeople: 2 } as const }) };
    const two = rig.withDeps({ config });
    expect(await activate(shipped, 'ann@admin', two)).toMatchObject({
      status: 202,
      body: { outcome: 'awaiting-second-person' },
    });
    expect(await inForce()).toMatchObject({ files: large });
    expect(await activate(shipped, 'bob@admin', two)).toMatchObject({ status: 200, body: { outcome: 'activated' } });
    expect(await inForce()).toMatchObject({ files: shipped });
  });
});
