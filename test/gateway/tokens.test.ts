import { SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureKeys, openKeyRing, rotateKey, signingKey } from '../../src/runtime/keys/key-ring.ts';
import { createTaskTokenSigner } from '../../src/runtime/keys/task-token.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { callTool, makeRig, type Rig, type RunningGateway, untilReady } from './rig.ts';

let rig: Rig;
let gateway: RunningGateway;
beforeAll(async () => {
  rig = await makeRig();
  gateway = await rig.startGateway();
  await untilReady(gateway);
});

const aToken = async (): Promise<string> => rig.token(await rig.startTask());

/** A token signed with the rig's own key, with anything in it. */
async function forge(
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {},
  times: { iat?: number; exp?: number } = {},
): Promise<string> {
  const key = openKeyRing(rig.keysFolder, 'token', 'test').newest();
  const now = Math.floor(Date.now() / 1_000);
  const task = await rig.startTask();
  return new SignJWT({
    task: task.taskId,
    agent: task.agentId,
    agents: task.agents,
    keys: task.keys,
    epoch: task.epoch,
    iss: 'estop:test',
    aud: 'estop-gateway:test',
    sub: 'spiffe://test.local/agent/billing-bot',
    jti: 'tok',
    iat: times.iat ?? now,
    exp: times.exp ?? now + 600,
    ...claims,
  })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'estop-task+jwt', kid: key.kid, ...header })
    .sign(signingKey(key).privateKey);
}

describe('a token', () => {
  const refused = async (token: string, code = 'unauthenticated'): Promise<void> => {
    const reply = await callTool(gateway, token, 'billing__list_invoices', {});
    expect(reply).toMatchObject({ status: 401, body: { code } });
    expect(reply.headers.get('content-type')).toBe('application/problem+json');
  };

  it('that is forged right is taken (so that the ones below are refused for what is wrong with them)', async () => {
    expect((await callTool(gateway, await forge({}), 'billing__list_invoices', {})).isError).toBe(false);
  });

  it.each([
    ['no token at all', '', {}],
    ['of another audience', undefined, { aud: 'estop-control:test' }],
    ['of another issuer', undefined, { iss: 'estop:prod' }],
    ['for another agent than its subject', undefined, { sub: 'spiffe://test.local/agent/reader-bot' }],
    ['of another trust domain', undefined, { sub: 'spiffe://evil.local/agent/billing-bot' }],
    ['without keys', undefined, { keys: [] }],
    ['with a negative epoch', undefined, { epoch: -1 }],
  ])('%s is refused', async (_what, text, claims) => {
    await refused(text ?? (await forge(claims)));
  });

  it('that has expired, or lives longer than any of ours, is refused', async () => {
    const now = Math.floor(Date.now() / 1_000);
    await refused(await forge({}, {}, { iat: now - 900, exp: now - 60 }));
    await refused(await forge({}, {}, { iat: now - 3_600, exp: now + 3_600 }));
  });

  it('that was altered is refused: its claims, its signature, its spelling, its algorithm', async () => {
    const token = await aToken();
    const [header = '', payload = '', signature = ''] = token.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as object;
    const altered = Buffer.from(JSON.stringify({ ...claims, agent: 'reader-bot' })).toString('base64url');
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'estop-task+jwt' })).toString('base64url');
    for (const text of [
      `${header}.${altered}.${signature}`,
      `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
      `${token}=`,
      `${token}%20`,
      `${none}.${payload}.`,
      `${header}.${payload}`,
    ])
      await refused(text);
    expect((await callTool(gateway, token, 'billing__list_invoices', {})).isError).toBe(false);
  });

  it('of another type is refused', async () => {
    await refused(await forge({}, { typ: 'JWT' }));
  });

  it('of another environment is refused by name, whatever else is right about it', async () => {
    const keys = tempFolder();
    ensureKeys(keys, 'prod');
    const signer = createTaskTokenSigner({
      ring: openKeyRing(keys, 'token', 'prod'),
      environment: 'prod',
      trustDomain: 'test.local',
    });
    const { taskId, agentId, agents, keys: scope, epoch } = await rig.startTask();
    const { token } = await signer.sign({ taskId, agentId, agents, keys: scope, epoch });
    await refused(token, 'foreign-environment');
  });

  it('signed before the keys were rotated is still taken, and so is one signed after', async () => {
    const before = await aToken();
    rotateKey(rig.keysFolder, 'token');
    expect((await callTool(gateway, before, 'billing__list_invoices', {})).isError).toBe(false);
    expect((await callTool(gateway, await forge({}), 'billing__list_invoices', {})).isError).toBe(false);
  });

  it('from an epoch that this store has not reached is not believed', async () => {
    const task = await rig.startTask();
    const reply = await callTool(gateway, await rig.token(task, { epoch: 1_000_000 }), 'billing__list_invoices', {});
    expect(reply).toMatchObject({ status: 503, body: { code: 'no-lease' } });
  });
});
