import type { ServerResponse } from 'node:http';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ToolServerSpec } from '../../src/contract/config.ts';
import { openKeyRing, rotateKey } from '../../src/runtime/keys/key-ring.ts';
import { createSecretSealer } from '../../src/runtime/keys/secret-sealer.ts';
import { putSecret, removeSecret } from '../../src/store/secrets.ts';
import { type HostileUpstream, startHostileUpstream } from './hostile-upstream.ts';
import {
  billingBot,
  callTool,
  closeAfterAll,
  makeRig,
  type Reply,
  type Rig,
  type RunningGateway,
  readerBot,
  until,
  untilReady,
} from './rig.ts';

/**
 * Each was taken out once: `ready` before `read`, the version on the renewal, `#isCurrent` in `read`, the context of the sealer, the
 * catch of an unopenable one, `isWronglyShared` in the gate, `holdsSecret` in read-reply.ts, the row of the gate.
 */
let rig: Rig;
let gateway: RunningGateway;
let upstream: HostileUpstream;
const seen: (string | undefined)[] = [];
const agents = [
  { ...billingBot, tools: { 'first/act': 'allow', 'second/act': 'allow', 'own/act': 'allow' } },
  { ...readerBot, tools: { 'second/act': 'allow', 'own/act': 'allow' } },
] as const;
const sealerOf = () => createSecretSealer(openKeyRing(rig.keysFolder, 'secret', 'test'));
const put = (name: string, value: string, sealer = sealerOf()) =>
  putSecret(rig.ledger.as('estop_control'), {
    name,
    ...sealer.seal(name, value),
    mayShareWith: ['first', 'second', 'mine', 'yours'],
    actor: 'admin',
  });
const answering = (what: object) => (response: ServerResponse, call: { readonly id: string }) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id: call.id, ...what }));
};
const use = (servers: readonly Omit<ToolServerSpec, 'url'>[]): void =>
  rig.configure((config) => ({
    ...config,
    agents,
    toolServers: servers.map((server) => ({ ...server, url: upstream.url })),
  }));
/** Until it is listed: a server that is new is asked first. */
const callAs = async (agent: (typeof agents)[number], server: string): Promise<Reply> => {
  const token = await rig.token(await rig.startTask(agent));
  return until(async () => {
    const reply = await callTool(gateway, token, `${server}__act`, {});
    return reply.meta['estop/reason'] === 'tool-not-available' ? undefined : reply;
  });
};
const act = (server = 'first'): Promise<Reply> => callAs(agents[0], server);
const denied = (reply: Reply): readonly unknown[] => [reply.meta['estop/decision'], reply.meta['estop/reason']];

beforeAll(async () => {
  rig = await makeRig();
  upstream = await startHostileUpstream();
  closeAfterAll(() => upstream.stop());
  await put('first', 'canary-one');
  use([{ serverId: 'first', credential: { secret: 'first' } }]);
  gateway = await rig.startGateway();
  await untilReady(gateway);
});
beforeEach(() => {
  seen.length = 0;
  upstream.misbehave = (response, call) => {
    seen.push(call.request.headers.authorization);
    answering({ result: { content: [{ type: 'text', text: 'done' }] } })(response, call);
  };
  use([{ serverId: 'first', credential: { secret: 'first' } }]);
});

describe('a sealed secret', () => {
  it('is opened for the call, sent to its upstream alone, and replaced within seconds of a rotation', async () => {
    expect((await act()).text).toBe('done');
    expect(seen).toEqual(['Bearer canary-one']);
    await put('first', 'canary-two');
    await until(async () => {
      await act();
      return seen.at(-1) === 'Bearer canary-two';
    });
    expect(JSON.stringify(rig.logLines)).not.toContain('canary-');
  });

  it('that is not there, or was removed, denies that upstream and says nothing of itself', async () => {
    use([{ serverId: 'own', credentials: { 'billing-bot': { secret: 'mine' } } }]);
    const missing = await act('own');
    expect(denied(missing)).toEqual(['denied', 'credential-unavailable']);
    expect(JSON.stringify(missing.body)).not.toMatch(/mine|secret-missing/);
    await put('mine', 'canary-mine');
    await until(async () => (await act('own')).text === 'done');
    await removeSecret(rig.ledger.as('estop_control'), 'mine', 'admin');
    await until(async () => denied(await act('own'))[1] === 'credential-unavailable');
    const before = seen.length;
    await act('own');
    expect(seen).toHaveLength(before);
  });

  it('is asked for again where its server could not be listed without it', async () => {
    use([{ serverId: 'second', credential: { secret: 'late' }, sharedBy: ['billing-bot', 'reader-bot'] }]);
    const token = await rig.token(await rig.startTask(agents[0]));
    expect((await callTool(gateway, token, 'second__act', {})).meta['estop/reason']).toBe('tool-not-available');
    await until(() => rig.logLines.some(({ fields }) => fields['event'] === 'upstream.undiscovered'));
    await put('late', 'canary-late');
    await until(async () => (await callAs(agents[0], 'second')).text === 'done');
    expect(seen.at(-1)).toBe('Bearer canary-late');
  });

  it('whose bytes were moved from another name, or were sealed with a key that is not held, does not open', async () => {
    await put('yours', 'canary-yours');
    await rig.ledger.sql(
      "UPDATE estop.secrets SET sealed = (SELECT sealed FROM estop.secrets WHERE name = 'first') WHERE name = 'yours'",
      [],
    );
    use([{ serverId: 'own', credentials: { 'billing-bot': { secret: 'yours' } } }]);
    expect(denied(await act('own'))).toEqual(['denied', 'credential-unavailable']);
    expect(seen).toEqual([]);
  });

  it('is used no more once the gateway has heard of a newer record that it cannot read', async () => {
    await act();
    await rig.ledger.sql('REVOKE EXECUTE ON FUNCTION estop.read_secrets(text[]) FROM estop_gateway', []);
    try {
      await put('first', 'canary-three');
      await until(async () => denied(await act())[1] === 'credential-unavailable');
    } finally {
      await rig.ledger.sql('GRANT EXECUTE ON FUNCTION estop.read_secrets(text[]) TO estop_gateway', []);
    }
    await until(async () => (await act()).text === 'done');
  });

  it('is sealed anew with the newest key after a rotation of keys, value and revision unchanged', async () => {
    await put('first', 'canary-four');
    const revision = async () =>
      (await rig.ledger.sql("SELECT revision, key_id FROM estop.secrets WHERE name = 'first'", []))[0];
    const before = await revision();
    const kid = rotateKey(rig.keysFolder, 'secret');
    await until(async () => (await revision())?.['key_id'] === kid);
    expect((await revision())?.['revision']).toBe(before?.['revision']);
    await until(async () => {
      await act();
      return seen.at(-1) === 'Bearer canary-four';
    });
    const [audited] = await rig.ledger.sql(
      "SELECT method, before, after FROM estop.audit WHERE kind = 'secret.resealed'",
      [],
    );
    expect(audited).toEqual({ method: 'gateway', before: { keyId: before?.['key_id'] }, after: { keyId: kid } });
  });

  it('that was sealed under the keys of grants is used, and sealed anew under those of secrets', async () => {
    await put('first', 'canary-older', createSecretSealer(openKeyRing(rig.keysFolder, 'seal', 'test')));
    await until(async () => {
      await act();
      return seen.at(-1) === 'Bearer canary-older';
    });
    const newest = openKeyRing(rig.keysFolder, 'secret', 'test').newest().kid;
    const keyOf = async () => (await rig.ledger.sql("SELECT key_id FROM estop.secrets WHERE name = 'first'", []))[0];
    await until(async () => (await keyOf())?.['key_id'] === newest);
  });
});

describe('one credential for two agents', () => {
  it('is refused to both, also under two names, unless the configuration says that they share it', async () => {
    await put('mine', 'canary-same');
    await put('yours', 'canary-same');
    const own = {
      serverId: 'own',
      credentials: { 'billing-bot': { secret: 'mine' }, 'reader-bot': { secret: 'yours' } },
    };
    use([own]);
    for (const agent of agents) expect(denied(await callAs(agent, 'own'))).toEqual(['denied', 'credential-shared']);
    expect(seen).toEqual([]);
    expect(rig.logLines.filter(({ fields }) => fields['event'] === 'credential.shared')).toHaveLength(1);
    expect(JSON.stringify(rig.logLines)).not.toContain('canary-');
    use([{ ...own, sharedBy: ['billing-bot', 'reader-bot'] }]);
    for (const agent of agents) expect((await callAs(agent, 'own')).text).toBe('done');
  });

  it('each with its own is told apart by the upstream, and an agent without one is denied', async () => {
    await put('mine', 'canary-mine');
    await put('yours', 'canary-yours');
    use([
      { serverId: 'own', credentials: { 'billing-bot': { secret: 'mine' }, 'reader-bot': { secret: 'yours' } } },
      { serverId: 'second', credentials: { 'billing-bot': { secret: 'first' } } },
    ]);
    await until(async () => (await callAs(agents[0], 'own')).text === 'done');
    await until(async () => (await callAs(agents[1], 'own')).text === 'done');
    expect([seen.includes('Bearer canary-mine'), seen.at(-1)]).toEqual([true, 'Bearer canary-yours']);
    expect(denied(await callAs(agents[1], 'second'))).toEqual(['denied', 'credential-unavailable']);
  });
});

describe('an upstream that says our credential back', () => {
  beforeEach(async () => {
    await put('first', 'canary-four');
    await until(async () => {
      await act();
      return seen.at(-1) === 'Bearer canary-four';
    });
  });

  it.each([
    ['in its result', { result: { content: [{ type: 'text', text: 'you sent Bearer canary-four' }] } }],
    ['in its error', { error: { code: -1, message: 'bad token canary-four' } }],
    ['as a name', { result: { content: [], structuredContent: { 'canary-four': 1 } } }],
  ])('%s is not passed on', async (_where, what) => {
    upstream.misbehave = answering(what);
    const reply = await act();
    expect(denied(reply)).toEqual(['possibly-completed', 'possibly-completed']);
    expect(JSON.stringify([reply.body, rig.logLines])).not.toContain('canary-four');
  });
});
