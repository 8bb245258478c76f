import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { EstopError } from '../../src/core/errors.ts';
import { parsePolicySet } from '../../src/policy/parse-set.ts';
import { readPolicyFolder } from '../../src/policy/read-folder.ts';
import { policiesFolder } from '../../src/runtime/package-root.ts';
import { listAudit } from '../../src/store/audit.ts';
import { getForLane, listGrants } from '../../src/store/grants.ts';
import { latch } from '../../src/store/latch.ts';
import { activatePolicies } from '../../src/store/policies.ts';
import { type ControlWorker, startControlWorker } from '../../src/workers/create-control.ts';
import { type HostileUpstream, startHostileUpstream } from '../gateway/hostile-upstream.ts';
import { callTool, type Reply } from '../gateway/posting.ts';
import { requires } from '../kit/requires.ts';
import { newId } from '../store/ledger.ts';
import { agentSpec, type Stack, startStack, type TaskHandle } from './kit.ts';
import { steeredConnector } from './steered-connector.ts';
import { workerToken } from './token-door.ts';
import { scheduled, taskIdOf, until } from './watch.ts';

/**
 * Each was taken out once: `when` in beginTask, `isWanted` in the mint, the look at the stops in obtain_grant, the connector's key of a
 * call that is made with a grant, the colon in the name (isName in hand-over.ts), endWant in the mint.
 */
requires('temporal')('a grant that is issued when it is first used', () => {
  let stack: Stack;
  let upstream: HostileUpstream;
  let worker: ControlWorker;
  const connector = steeredConnector();
  const issues = connector.issue;
  const seen: (string | undefined)[] = [];
  beforeAll(async () => {
    upstream = await startHostileUpstream();
    const grant = { name: 'db', connector: 'db', lifeMs: 60_000, when: 'first-use', options: {} } as const;
    stack = await startStack({
      agents: [
        agentSpec('asks-late', { grants: [grant], tools: { 'crm/act': 'allow' } }),
        agentSpec('unlucky', { grants: [grant, { ...grant, name: 'now', when: 'start' }] }),
        agentSpec('outsider', { tools: { 'billing/*': 'allow' } }),
      ],
      connectors: connector.directory,
      scripts: { 'thinks': [{ hang: true }], 'talks': [{ say: 'done' }] },
      configure: (config) => ({
        ...config,
        toolServers: [
          ...config.toolServers,
          {
            serverId: 'crm',
            url: upstream.url,
            grant: { connector: 'db', field: 'password', lifeMs: 60_000, options: {} },
          },
        ],
      }),
    });
    const { get } = connector.directory;
    worker = startControlWorker({
      environment: 'test',
      databaseUrl: stack.ledger.revokerUrl,
      temporalAddress: stack.temporal.address,
      dataConverter: stack.dataConverter,
      connectors: { ids: () => ['db'], get, system: () => get('db').system },
      sealer: stack.sealer,
      log: stack.log,
    });
  });
  afterAll(async () => {
    await worker.close();
    await stack.stop();
    await upstream.stop();
  });
  beforeEach(() => {
    connector.issue = issues;
    connector.asked.length = 0;
    connector.cuts.length = 0;
    seen.length = 0;
    upstream.misbehave = (response, { id, request }) => {
      seen.push(request.headers.authorization);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'done' }] } }));
    };
  });

  const running = async (agentId = 'asks-late'): Promise<TaskHandle> => {
    const handle = await stack.start('thinks', { agentId });
    await until(async () => (await stack.status(handle)).state === 'running');
    return handle;
  };
  const tokenOf = async (handle: TaskHandle): Promise<string> => {
    const response = await fetch(`${stack.controlUrl}/v1/tasks/${taskIdOf(handle)}/tokens`, {
      method: 'POST',
      headers: { authorization: `Bearer ${workerToken}` },
    });
    return ((await response.json()) as { readonly token: string }).token; // made by the door
  };
  const fetchGrant = async (
    handle: TaskHandle,
    name = 'db',
    token?: string,
  ): Promise<{ status: number; text: string }> => {
    const headers = { authorization: `Bearer ${token ?? (await tokenOf(handle))}` };
    const response = await fetch(`${stack.gateway.url}/grants/${name}`, { method: 'POST', headers });
    return { status: response.status, text: await response.text() };
  };
  const act = async (handle: TaskHandle): Promise<Reply> =>
    callTool(stack.gateway, await tokenOf(handle), 'crm__act', {});
  const grantsOf = async (handle: TaskHandle) =>
    (await listGrants(stack.ledger.control, { taskId: taskIdOf(handle) })).items;
  const stopAt = (scopeKey: string) =>
    latch(stack.ledger.latch, {
      stopId: newId('stop'),
      scopeKey,
      category: 0,
      graceMs: 0,
      reason: 'r',
      actor: 'Olga',
      method: 'api',
    });

  it('is not there when its task begins, and is handed over, once, to whoever asks for it', async () => {
    const handle = await running();
    expect(await grantsOf(handle)).toEqual([]);
    const [one, other] = await Promise.all([fetchGrant(handle), fetchGrant(handle)]);
    expect([one.status, other.status]).toEqual([200, 200]);
    const [grant, ...more] = await grantsOf(handle);
    expect([grant?.state, more]).toEqual(['issued', []]);
    expect(JSON.parse(one.text)).toMatchObject({ secret: { password: `secret-of-${grant?.grantId}` } });
    expect(await scheduled(handle, 'issueGrant')).toBe(1);
    await handle.terminate();
  });

  it('is cut off by the revocation of its task, whichever way that ended', async () => {
    const handle = await running();
    await fetchGrant(handle);
    const [grant] = await grantsOf(handle);
    await handle.terminate();
    await until(() => connector.cuts.some((cut) => cut.grant.grantId === grant?.grantId));
    expect((await fetchGrant(handle)).status).toBe(409);
  });

  it('is not issued to a task that is stopped or held, nor because a message says that it is wanted', async () => {
    const [stopped, held, told] = [await running(), await running(), await running()];
    const token = await tokenOf(stopped);
    await stopAt(`task:${taskIdOf(stopped)}`);
    expect((await fetchGrant(stopped, 'db', token)).status).toBe(409);
    await stack.ledger.superuser.query('UPDATE estop.tasks SET held = true WHERE task_id = $1', [taskIdOf(held)]);
    expect(await fetchGrant(held)).toMatchObject({ status: 409, text: expect.stringContaining('"held"') });
    await told.signal('want', { name: 'db' });
    await told.signal('want', { name: 'tool:crm' });
    await until(async () => (await scheduled(told, 'issueGrant')) === 2);
    await until(() => stack.logged.some((line) => line.includes(taskIdOf(told)) && line.includes('not-wanted')));
    for (const handle of [stopped, held, told]) expect(await grantsOf(handle)).toEqual([]);
    await Promise.all([held.terminate(), told.terminate()]);
  });

  it('that its connector refuses is refused at once, and asked for again a little later', async () => {
    connector.issue = () => Promise.reject(new EstopError('address-refused', { detail: 'no' }));
    const handle = await running();
    const refused = await fetchGrant(handle);
    expect(refused.status).toBe(409);
    expect(refused.text).toContain('was not issued');
    connector.issue = issues;
    await until(async () => (await fetchGrant(handle)).status === 200);
    await handle.terminate();
  });

  it('is what a tool is called with: issued at the first call, sent to the upstream, and never seen by the agent', async () => {
    const handle = await running();
    const [reply, next] = [await act(handle), await act(handle)];
    expect([reply.text, next.text]).toEqual(['done', 'done']);
    const [grant, ...more] = await grantsOf(handle);
    expect([grant?.name, more]).toEqual(['tool:crm', []]);
    expect(seen).toEqual(Array(2).fill(`Bearer secret-of-${grant?.grantId}`));
    for (const name of ['tool:crm', 'tool%3Acrm', 'crm']) expect((await fetchGrant(handle, name)).status).toBe(404);
    expect(JSON.stringify([reply.body, stack.logged])).not.toContain('secret-of-');
    expect((await getForLane(stack.ledger.revoker, grant?.grantId ?? ''))?.sealed).toBeDefined();
    await handle.terminate();
  });

  it('is issued, at a start or at its first use, only where the policies in force say so, and is refused on record', async () => {
    const files = {
      ...readPolicyFolder(policiesFolder),
      'team.cedar': `@id("no-grants") @deny("Not for this one.")
        forbid (principal == Agent::"unlucky", action == Action::"grant", resource == Connector::"db") when { context.purpose != "" };`,
    };
    const parsed = parsePolicySet(files);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
    const { version } = parsed.set;
    const wanted = { version, files, actor: 'olga', reason: 'r', after: 0, twoPeople: false };
    expect(await activatePolicies(stack.ledger.control, wanted)).toMatchObject({ kind: 'activated' });
    const [handle, other] = [await running('unlucky'), await running()];
    expect(await fetchGrant(handle)).toMatchObject({ status: 409, text: expect.stringContaining('Policy') });
    expect(await fetchGrant(handle, 'now')).toMatchObject({ status: 404 });
    expect(await grantsOf(handle)).toEqual([]);
    expect(connector.asked).toEqual([]);
    const { items } = await listAudit(stack.ledger.control, { subject: taskIdOf(handle) });
    const refused = { connector: 'db', reason: 'denied-by-policy', policies: ['no-grants'], version };
    const denied = items.filter(({ kind }) => kind === 'grant.denied').map(({ detail }) => detail);
    expect(denied).toEqual(
      expect.arrayContaining([
        { ...refused, name: 'db' },
        { ...refused, name: 'now' },
      ]),
    );
    expect((await fetchGrant(other)).status).toBe(200);
    // What is in force and cannot be read allows nothing.
    const unreadable = { ...wanted, version: 'feedfeedfeedfeed', after: 1 };
    expect(await activatePolicies(stack.ledger.control, unreadable)).toMatchObject({ kind: 'activated' });
    const later = await running();
    expect((await fetchGrant(later)).status).toBe(409);
    expect(await grantsOf(later)).toEqual([]);
    await Promise.all([handle, other, later].map((one) => one.terminate()));
    const shipped = parsePolicySet(readPolicyFolder(policiesFolder));
    if (!shipped.ok) throw new Error(JSON.stringify(shipped.faults));
    await activatePolicies(stack.ledger.control, { ...wanted, ...shipped.set, after: 2 });
  });

  it('of a tool is worth nothing once its connector is stopped, in the same instant', async () => {
    const handle = await running();
    await act(handle);
    const before = seen.length;
    await stopAt('connector:db');
    const reply = await act(handle);
    expect(reply.meta['estop/decision']).toBe('stopped');
    expect(seen).toHaveLength(before);
    await handle.terminate();
  });
});
