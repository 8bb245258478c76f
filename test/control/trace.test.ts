import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { agentTaskWorkflowId } from '../../src/contract/names.ts';
import { continueTrace, readTraceparent } from '../../src/contract/trace-context.ts';
import { packageRoot } from '../../src/runtime/package-root.ts';
import { requires } from '../kit/requires.ts';
import { type ControlRig, field, makeControl } from './rig.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const given = `00-${traceId}-00f067aa0ba902b7-01`;

describe('a traceparent', () => {
  it('is read as it came', () => {
    expect(readTraceparent(given)).toEqual({ traceId, spanId: '00f067aa0ba902b7', sampled: true });
    // A later version may say more; what it says first is what it always said.
    expect(readTraceparent(`cc${given.slice(2)}-more`)?.traceId).toBe(traceId);
  });

  it.each([
    ['nothing', undefined],
    ['an empty one', ''],
    ['zeros for a trace', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ['zeros for a span', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['capitals', given.toUpperCase()],
    ['the version that is none', `ff${given.slice(2)}`],
    ['more than version 00 has', `${given}-more`],
    ['a line of log behind it', `${given}\n{"level":50}`],
    ['a very long one', `01${given.slice(2)}-${'x'.repeat(600)}`],
  ])('begins anew after %s', (_what, header) => {
    expect(readTraceparent(header)).toBeUndefined();
    const trace = continueTrace(header, (bytes) => 'ab'.repeat(bytes));
    expect(trace).toEqual({ traceId: 'ab'.repeat(16), spanId: 'ab'.repeat(8), sampled: false });
  });
});

describe('the log', () => {
  it('calls stop, task and trace by the names that others use', () => {
    const module = pathToFileURL(join(packageRoot, 'dist', 'src', 'runtime', 'log.js')).href;
    const program = `import { createLog } from ${JSON.stringify(module)}; createLog('x', 'info').info({ stopId: 'a', taskId: 'b', traceId: 'c', token: 'd', other: 1 }, 'm');`;
    const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
    expect(JSON.parse(stderr)).toMatchObject({
      stop_id: 'a',
      task_id: 'b',
      trace_id: 'c',
      token: '[redacted]',
      other: 1,
    });
  });
});

requires('temporal')('a task that a traced service starts', () => {
  let rig: ControlRig;
  beforeAll(async () => {
    rig = await makeControl();
  });
  const start = async (headers: Record<string, string>): Promise<string> => {
    const answer = await rig.call('POST', '/v1/tasks', {
      as: 'service',
      body: { agentId: 'billing-bot', prompt: 'x' },
      headers,
    });
    return String(field(answer.body, 'taskId'));
  };
  const tracesOf = (taskId: string): readonly unknown[] =>
    rig.logged
      .map(({ fields }): Readonly<Record<string, unknown>> => ({ ...fields }))
      .filter((fields) => fields['event'] === 'task.started' && fields['taskId'] === taskId)
      .map((fields) => fields['traceId']);

  it('is in the log under the trace of that service', async () => {
    expect(tracesOf(await start({ traceparent: given }))).toEqual([traceId]);
  });

  it('begins a trace where there is none', async () => {
    expect(tracesOf(await start({}))).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
  });

  it('can be described by a client that has none of our keys', async () => {
    const handle = rig.temporal.workflow.getHandle(agentTaskWorkflowId(await start({ traceparent: given })));
    expect((await handle.describe()).memo ?? {}).toEqual({});
  });
});
