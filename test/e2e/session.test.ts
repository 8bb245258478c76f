import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Connection, Client as TemporalClient } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cast } from '../../examples/demo/cast.ts';
import { agentTaskWorkflowId, namespaces } from '../../src/contract/names.ts';
import { traceHeader } from '../../src/contract/temporal-trace.ts';
import { packageRoot } from '../../src/runtime/package-root.ts';
import { startStage, until, untilReached } from './stage.ts';

const run = promisify(execFile);
let cast: Cast;
beforeAll(async () => {
  cast = await startStage();
}, 120_000);
afterAll(async () => {
  await cast?.stop();
}, 60_000);

/** The command line as a person types it, against everything that runs. */
const estop = async (...args: readonly string[]): Promise<string> =>
  (
    await run(
      process.execPath,
      [join(packageRoot, 'dist', 'src', 'cli', 'main.js'), ...args, '--state', dirname(cast.installation.profilePath)],
      { cwd: dirname(cast.installation.profilePath) },
    )
  ).stdout;

interface Opened {
  readonly task: { readonly taskId: string };
  readonly token: string;
  readonly gateway: string;
}

async function openSession(): Promise<{ readonly taskId: string; readonly client: Client }> {
  const { task, token, gateway } = JSON.parse(
    await estop('task', 'open', '--agent', 'billing-bot', '--json'),
  ) as Opened;
  await until('a running session', async () => (await cast.service.tasks.get(task.taskId)).state === 'running');
  const client = new Client({ name: 'outside', version: '1' });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(gateway), { requestInit }));
  return { taskId: task.taskId, client };
}

async function isRefused(client: Client): Promise<boolean> {
  try {
    return (await client.callTool({ name: 'billing__list_invoices', arguments: {} })).isError === true;
  } catch {
    return true;
  }
}
const arrived = (taskId: string): number => cast.world.tools.calls().filter((call) => call.taskId === taskId).length;

interface LogLine {
  readonly event?: string;
  readonly trace_id?: string;
  readonly task_id?: string;
  readonly stop_id?: string;
}

/** What a process of the installation has written, line by line. */
const logOf = (name: string): readonly LogLine[] =>
  readFileSync(join(dirname(cast.installation.profilePath), 'logs', `${name}.log`), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine); // a line of ours

/** As Temporal has it, for a client that has none of our keys. */
async function traceOfWorkflow(workflowId: string): Promise<unknown> {
  const connection = await Connection.connect({ address: cast.installation.temporal.address });
  try {
    const temporal = new TemporalClient({ connection, namespace: namespaces.agents });
    const { events } = await temporal.workflow.getHandle(workflowId).fetchHistory();
    const header = events?.[0]?.workflowExecutionStartedEventAttributes?.header?.fields?.[traceHeader];
    return JSON.parse(Buffer.from(header?.data ?? []).toString()) as unknown;
  } finally {
    await connection.close();
  }
}

it('a Temporal of our own belongs to our environment from the first start on', async () => {
  const { temporal, profile } = cast.installation;
  const connection = await Connection.connect({ address: temporal.address });
  for (const namespace of Object.values(namespaces)) {
    const { namespaceInfo } = await connection.workflowService.describeNamespace({ namespace });
    expect(namespaceInfo?.data).toMatchObject({ 'estop-environment': profile.environment });
  }
  await connection.close();
});

describe('a trace that somebody began', () => {
  const traceOf = (digit: string): string => digit.repeat(32);
  const from = (digit: string) => ({ traceparent: `00-${traceOf(digit)}-00f067aa0ba902b7-01`, tracestate: 'them=1' });
  const post = async (url: string, token: string, body: object, headers: Record<string, string>): Promise<object> => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'authorization': `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    expect(response.ok, url).toBe(true);
    return (await response.json()) as object;
  };

  it('is the same at the tools and systems that a task reaches, and at those that a stop cuts off, and in the logs', async () => {
    const { profile } = cast.installation;
    const start = { agentId: 'billing-bot', prompt: 'x' };
    const begun = await post(`${profile.controlUrl}/v1/tasks`, profile.serviceToken, start, from('a'));
    const { taskId } = begun as { readonly taskId: string };
    const call = await until('a call', async () =>
      cast.world.tools.log().find((line) => line.taskId === taskId && line.event === 'arrived'),
    );
    expect(call.traceparent).toEqual([from('a').traceparent, from('a').traceparent]);
    // Its child has it too.
    const child = await until('its child', async () =>
      (await cast.service.tasks.list({ limit: 100 })).items.find(
        (item) => item.parentTaskId === taskId && item.state === 'running',
      ),
    );
    expect(await traceOfWorkflow(agentTaskWorkflowId(child.taskId))).toEqual(from('a'));
    const reached = (digit: string): readonly string[] =>
      cast.world.oauth
        .traced()
        .filter(({ traceparent }) => traceparent.includes(traceOf(digit)))
        .map(({ method, path }) => `${method} ${path.split('/').slice(0, 2).join('/')}`);
    await until('its client at the issuer', async () => reached('a').includes('POST /reg'));

    const order = { scopeKey: `task:${taskId}`, reason: 'traced' };
    const receipt = await post(`${profile.stopUrl}/v1/stops`, profile.token, order, from('b'));
    const { stopId } = receipt as { readonly stopId: string };
    expect((await untilReached(cast.operator, stopId, 'proved')).stopId).toBe(stopId);
    // Cut off at the real server, by the workflows that the relay opened for this stop.
    expect(reached('b')).toEqual(expect.arrayContaining(['PUT /reg', 'DELETE /reg', 'GET /resource']));
    const states = cast.world.oauth.traced().filter(({ traceparent }) => traceparent.includes(traceOf('b')));
    expect(new Set(states.map(({ tracestate }) => tracestate))).toEqual(new Set(['them=1']));
    expect(reached('a')).not.toContain('DELETE /reg');

    const traces = (name: string, which: (line: LogLine) => boolean): readonly (string | undefined)[] =>
      logOf(name)
        .filter(which)
        .map((line) => line.trace_id);
    expect(traces('control', (line) => line.event === 'task.started' && line.task_id === taskId)).toEqual([
      traceOf('a'),
    ]);
    expect(traces('stop', (line) => line.event === 'stop.placed' && line.stop_id === stopId)).toEqual([traceOf('b')]);
  }, 120_000);

  it('is dropped where it is none, and the stop is latched and logged without it', async () => {
    const { profile } = cast.installation;
    const order = { scopeKey: 'agent:nobody-of-that-name', reason: 'hostile trace' };
    for (const traceparent of [
      '',
      '00-zz',
      `00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`,
      'x'.repeat(7_000),
      '"}{"level":60',
    ]) {
      const headers = { traceparent, tracestate: `${'y'.repeat(5_000)},=,,` };
      const receipt = await post(`${profile.stopUrl}/v1/stops`, profile.token, order, headers);
      expect(receipt).toMatchObject({ state: 'latched' });
      const { stopId } = receipt as { readonly stopId: string };
      const placed = await until('its line', async () => logOf('stop').find((line) => line.stop_id === stopId));
      expect(placed).toMatchObject({ event: 'stop.placed' });
      expect(placed).not.toHaveProperty('trace_id');
    }
    expect(JSON.stringify(logOf('stop'))).not.toMatch(/x{100}|y{100}|00-zz/);
  });
});

describe('an agent that runs outside', () => {
  it('is stopped by `estop stop` in the middle of its work; its grants are dead and its target hears no more', async () => {
    const { taskId, client } = await openSession();
    const other = await openSession();
    let isStopped = false;
    // A refusal before that is a lease that a starved machine let end.
    const hammer = async (): Promise<void> => {
      for (;;) {
        if (!(await isRefused(client))) continue;
        if (isStopped) return;
        await sleep(50);
      }
    };
    const hammering = [hammer(), hammer()];
    await until('some calls', async () => arrived(taskId) > 10);
    // It exits with zero, which is what it has for proved alone.
    expect(await estop('stop', 'task', taskId, '--wait=90s', '--reason', 'drill')).toMatch(/^stop_dev_/);
    isStopped = true;
    await Promise.all(hammering);
    const atStop = arrived(taskId);
    for (let more = 0; more < 10; more += 1) expect(await isRefused(client)).toBe(true);
    expect(arrived(taskId)).toBe(atStop);
    expect(await cast.service.tasks.get(taskId)).toMatchObject({ kind: 'session', state: 'closed' });
    // The session beside it goes on, until it is closed.
    expect(await isRefused(other.client)).toBe(false);
    await estop('task', 'close', other.taskId);
    await until('its end', async () => (await cast.service.tasks.get(other.taskId)).state === 'closed');
    expect((await cast.service.tasks.get(other.taskId)).outcome).toBe('closed');
    expect(await isRefused(other.client)).toBe(true);
    await until('the end of its grants', async () => {
      const { entries } = await cast.service.tasks.history(other.taskId);
      const count = (kind: string): number => entries.filter((entry) => entry.kind === kind).length;
      return count('grant.issued') > 0 && count('grant.ended') === count('grant.issued');
    });
  }, 240_000);
});
