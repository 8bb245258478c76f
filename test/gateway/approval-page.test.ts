import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { beforeAll, describe, expect, it } from 'vitest';
import { readMcpLog } from '../../examples/demo/mcp-server.ts';
import { decideApproval, listApprovals } from '../../src/store/approvals.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { callTool, makeRig, post, type Reply, type Rig, type RunningGateway, until, untilReady } from './rig.ts';

const refund = { invoice_id: 'INV-1', cents: 1_200 };
const name = 'billing__refund_payment';
type Answer = Readonly<Record<string, unknown>>;

describe('a client that can open a page for its user', () => {
  let rig: Rig;
  let gateway: RunningGateway;
  beforeAll(async () => {
    rig = await makeRig();
    gateway = await rig.startGateway({ approvalPage: (id) => `http://console.example/approvals/${id}` });
    await untilReady(gateway);
  });
  const control = () => rig.ledger.as('estop_control');
  const approve = (approvalId: string, actor = 'anna') =>
    decideApproval(control(), { approvalId, decision: 'approved', actor, reason: '' });

  /** The official client; what its user does when the page is opened is up to the test. */
  async function connect(
    task: TaskRecord,
    onPage: (url: string) => Promise<Answer>,
    form = false,
    mode: 'auto' | 'legacy' = 'auto',
  ): Promise<Client> {
    const elicitation = form ? { form: {} } : { url: {} };
    const client = new Client(
      { name: 'host', version: '1' },
      { capabilities: { elicitation }, versionNegotiation: { mode } },
    );
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      expect(params.mode).toBe('url');
      return (await onPage('url' in params ? params.url : '')) as { action: 'accept' };
    });
    const requestInit = { headers: { authorization: `Bearer ${await rig.token(task)}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`), { requestInit }));
    return client;
  }
  const refundBy = (client: Client) => client.callTool({ name, arguments: refund });

  it('is given the page, and its call goes ahead in one go once somebody has approved it there', async () => {
    const task = await rig.startTask();
    const pages: string[] = [];
    const client = await connect(task, async (url) => {
      pages.push(url);
      expect((await approve(url.split('/').at(-1) ?? '')).kind).toBe('decided');
      return { action: 'accept' };
    });
    expect((await refundBy(client)).isError).not.toBe(true);
    expect(pages).toEqual([expect.stringMatching(/^http:\/\/console\.example\/approvals\/appr_test_/)]);
    expect(rig.calls(task).length).toBe(1);
    await client.close();
  });

  it.each(['accept', 'decline', 'cancel'])('is told that nobody has decided when its user says %s', async (action) => {
    const task = await rig.startTask();
    let pages = 0;
    const client = await connect(task, async () => {
      pages += 1;
      return { action };
    });
    const answer = await refundBy(client);
    expect(answer).toMatchObject({ isError: true, _meta: { 'estop/decision': 'needs-approval' } });
    expect(pages).toBe(1);
    expect(rig.calls(task)).toEqual([]);
    await client.close();
  });

  it('that can only show a form is told in words: a form is nobody’s approval', async () => {
    const task = await rig.startTask();
    let asked = 0;
    const client = await connect(
      task,
      async () => {
        asked += 1;
        return { action: 'accept', content: { approved: true } };
      },
      true,
    );
    expect(await refundBy(client)).toMatchObject({ isError: true, _meta: { 'estop/decision': 'needs-approval' } });
    expect(asked).toBe(0);
    expect(rig.calls(task)).toEqual([]);
    await client.close();
  });

  it('and keeps a session is given the page once beside the words, and sends its call again when it is decided', async () => {
    const task = await rig.startTask();
    const pages: string[] = [];
    const onPage = async (url: string) => {
      pages.push(url);
      return { action: 'accept' };
    };
    const client = await connect(task, onPage, false, 'legacy');
    const asked = await refundBy(client);
    expect(asked).toMatchObject({ isError: true, _meta: { 'estop/decision': 'needs-approval' } });
    // That its user has opened the page is nobody's decision, and no reason to open it again.
    expect(await refundBy(client)).toMatchObject({ isError: true, _meta: asked._meta });
    await until(() => pages.length > 0);
    expect(rig.calls(task)).toEqual([]);
    await approve(pages[0]?.split('/').at(-1) ?? '');
    expect((await refundBy(client)).isError).not.toBe(true);
    expect((await refundBy(client))._meta).toMatchObject({ 'estop/decision': 'needs-approval' });
    await until(() => pages.length > 1);
    expect(pages).toEqual(
      [asked._meta, (await refundBy(client))._meta].map(
        (meta) => `http://console.example/approvals/${String(meta?.['estop/approvalId'])}`,
      ),
    );
    expect(rig.calls(task).length).toBe(1);
    await client.close();
  });

  it.each([
    ['2025-11-25', { url: {} }, true],
    ['2025-11-25', { form: {} }, false],
    ['2025-11-25', {}, false],
    ['2025-06-18', { url: {} }, false],
  ])(
    'and keeps a session of %s is asked to open one only where it said that it can: %o',
    async (version, elicitation, asks) => {
      const token = await rig.token(await rig.startTask());
      const say = (message: object, session?: string): Promise<Response> =>
        fetch(`${gateway.url}/mcp`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${token}`,
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
            ...(session === undefined ? {} : { 'mcp-session-id': session }),
          },
          body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
        });
      const clientInfo = { name: 't', version: '1' };
      const params = { protocolVersion: version, capabilities: { elicitation }, clientInfo };
      const session = (await say({ method: 'initialize', params })).headers.get('mcp-session-id') ?? '';
      const told = await (await say({ method: 'tools/call', params: { name, arguments: refund } }, session)).text();
      expect(told).toContain('needs-approval');
      expect(told.includes('elicitation/create')).toBe(asks);
    },
  );

  describe('and what it sends back', () => {
    const canOpen = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { url: {} } } };
    const ask = (token: string, args: object = refund, more: object = {}): Promise<Reply> =>
      post(gateway, token, {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name, arguments: args, ...more, _meta: canOpen },
      });
    const answered = (state: unknown, answers: object = { 'estop-approval': { action: 'accept' } }) => ({
      inputResponses: answers,
      requestState: state,
    });
    const stateOf = ({ body }: Reply): string => String((body['result'] as Answer)['requestState']);
    const isInvalid = (reply: Reply): void =>
      expect(reply).toMatchObject({ isError: true, meta: { 'estop/reason': 'approval-state-invalid' } });

    it('is good once, for this task, for these arguments, unaltered and alone', async () => {
      const [task, other] = [await rig.startTask(), await rig.startTask()];
      const token = await rig.token(task);
      const first = await ask(token);
      expect(first.body['result']).toMatchObject({ resultType: 'input_required' });
      const state = stateOf(first);
      await approve((await listApprovals(control(), { taskId: task.taskId })).items[0]?.approvalId ?? '');
      isInvalid(await ask(token, { ...refund, cents: 1 }, answered(state)));
      isInvalid(await ask(await rig.token(other), refund, answered(state)));
      isInvalid(await ask(token, refund, answered(`${state.slice(0, -2)}AA`)));
      isInvalid(await ask(token, refund, answered(undefined)));
      isInvalid(await ask(token, refund, answered(state, { 'estop-approval': {}, 'question-of-the-server': {} })));
      expect(rig.calls(task)).toEqual([]);
      expect((await ask(token, refund, answered(state))).isError).toBe(false);
      isInvalid(await ask(token, refund, answered(state)));
      expect(rig.calls(task).length).toBe(1);
      expect(rig.calls(other)).toEqual([]);
    });

    it('is never passed on to the tool server', async () => {
      const task = await rig.startTask();
      const token = await rig.token(task);
      const state = stateOf(await ask(token));
      await approve((await listApprovals(control(), { taskId: task.taskId })).items[0]?.approvalId ?? '');
      await ask(token, refund, answered(state));
      const log = readMcpLog(join(rig.folder, 'mcp-calls.jsonl'));
      const sent = JSON.stringify(log.filter(({ taskId }) => taskId === task.taskId));
      expect(sent).toContain('INV-1');
      expect(sent).not.toMatch(/requestState|inputResponses|estop-approval/);
    });
  });

  it('that cannot open pages gets no question, as before', async () => {
    const reply = await callTool(gateway, await rig.token(await rig.startTask()), name, refund);
    expect(reply).toMatchObject({ isError: true, meta: { 'estop/decision': 'needs-approval' } });
  });
});
