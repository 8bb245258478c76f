import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { agentTaskWorkflowId } from '../../src/contract/names.ts';
import { readOrder } from '../../src/contract/order.ts';
import { knownTrace, traceHeader } from '../../src/contract/temporal-trace.ts';
import { readTraceparent } from '../../src/contract/trace-context.ts';
import { continueTrace, traced, traceHeaders } from '../../src/contract/tracing.ts';
import { keepTraceContext } from '../../src/runtime/keep-trace-context.ts';
import { packageRoot } from '../../src/runtime/package-root.ts';
import { interceptors } from '../../src/workflows/pass-trace-on.ts';
import { requires } from '../kit/requires.ts';
import { type ControlRig, field, makeControl } from './rig.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const given = `00-${traceId}-00f067aa0ba902b7-01`;

/** The keeper of contexts is one for the whole process, and so is the provider of tracers: put there for this file alone. */
const collected = new InMemorySpanExporter();
keepTraceContext();
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(collected)] }));

describe('a traceparent', () => {
  it('is read as it came', () => {
    expect(readTraceparent(given)).toEqual({ traceId, spanId: '00f067aa0ba902b7', sampled: true });
    // A later version may say more; what it says first is what it always said.
    expect(readTraceparent(`cc${given.slice(2)}-more`)?.traceId).toBe(traceId);
  });

  it('goes on as it came, with what is well-formed of its tracestate', () => {
    const carrier = { traceparent: given, tracestate: 'congo=t61, ,=x,UPPER=1,rojo=00f0' };
    expect(continueTrace(carrier, traceHeaders)).toEqual({ traceparent: given, tracestate: 'congo=t61,rojo=00f0' });
    expect(continueTrace({ traceparent: given, tracestate: `a=${'x'.repeat(600)}` }, traceHeaders)).toEqual({
      traceparent: given,
    });
    // Of a version that nobody knows yet: what is understood of it, as version 00.
    expect(continueTrace({ traceparent: `cc${given.slice(2)}-more` }, traceHeaders)).toEqual({ traceparent: given });
    expect(traceHeaders()).toEqual({});
  });

  it.each([
    ['nothing', undefined],
    ['a list', [given]],
    ['an object', { toString: (): string => given }],
    ['an empty one', ''],
    ['zeros for a trace', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ['zeros for a span', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['capitals', given.toUpperCase()],
    ['two of them', `${given}, ${given}`],
    ['the version that is none', `ff${given.slice(2)}`],
    ['more than version 00 has', `${given}-more`],
    ['a line of log behind it', `${given}\n{"level":50}`],
    ['a very long one', `01${given.slice(2)}-${'x'.repeat(600)}`],
  ])('is dropped where it is %s', (_what, traceparent) => {
    expect(continueTrace({ traceparent, tracestate: 'a=1' }, traceHeaders)).toEqual({});
    expect(knownTrace({ traceparent })).toBeUndefined();
  });

  it('goes with an order through the intake, where it is one', () => {
    const order = { stopId: `stop_test_${'0'.repeat(26)}`, scopeKey: 'fleet' };
    expect(readOrder({ ...order, trace: given })?.trace).toBe(given);
    const state = readOrder({ ...order, trace: given, traceState: 'a=1,B=2,c=3' });
    expect(state).toMatchObject({ trace: given, traceState: 'a=1,c=3' });
    expect(readOrder({ ...order, traceState: 'a=1' })).toEqual(readOrder(order));
    for (const traceState of [
      7,
      '',
      'a=1\n',
      'x'.repeat(600),
      '\u202e=1',
      Array(33)
        .fill('')
        .map((_, n) => `k${n}=1`)
        .join(),
    ])
      expect(readOrder({ ...order, trace: given, traceState })).toEqual(readOrder({ ...order, trace: given }));
    for (const trace of ['x', `${given}\n`, 7, [given], given.repeat(50)])
      expect(readOrder({ ...order, trace })).toEqual(readOrder(order));
  });

  it('goes from a workflow to all that it begins, its next run among them, and nothing else does', async () => {
    const begun = async (sent: unknown, data?: Uint8Array): Promise<readonly unknown[]> => {
      const { inbound = [], outbound = [] } = interceptors();
      const payload = data === undefined ? defaultPayloadConverter.toPayload(sent) : { metadata: json, data };
      const seen: unknown[] = [];
      const next = async ({ headers }: { readonly headers: Headers }): Promise<never> => {
        const found = headers[traceHeader];
        seen.push(found == null ? undefined : defaultPayloadConverter.fromPayload(found));
        return undefined as never; // nobody looks at what it returns
      };
      await inbound[0]?.execute?.({ args: [], headers: { [traceHeader]: payload } }, async () => undefined);
      // Of each of them no more than its headers is looked at.
      for (const intercept of Object.values(outbound[0] ?? {}) as ((
        input: object,
        next: unknown,
      ) => Promise<unknown>)[])
        await intercept({ headers: {} }, next);
      return seen;
    };
    const json = { encoding: Buffer.from('json/plain') };
    const whole = { traceparent: given, tracestate: 'a=1' };
    expect(await begun({ ...whole, baggage: 'secret=1' })).toEqual(Array(4).fill(whole));
    for (const hostile of ['x', null, { traceparent: 'x' }, { traceparent: [given] }, { traceparent: given.repeat(9) }])
      expect(await begun(hostile)).toEqual(Array(4).fill(undefined));
    expect(await begun(undefined, Buffer.from('{'))).toEqual(Array(4).fill(undefined));
    expect(await begun({ ...whole, more: 'x'.repeat(3_000) })).toEqual(Array(4).fill(undefined));
  });

  it('is a span of its own at each step where somebody collects them, and in the same trace', async () => {
    collected.reset();
    const inner = await continueTrace({ traceparent: given }, () =>
      traced('outer', 'server', async () => traced('inner', 'client', async () => traceHeaders())),
    );
    const spans = collected.getFinishedSpans();
    expect(spans.map(({ name }) => name)).toEqual(['inner', 'outer']);
    const [child, parent] = spans;
    expect(inner).toEqual({ traceparent: `00-${traceId}-${child?.spanContext().spanId}-01` });
    expect(child?.parentSpanContext?.spanId).toBe(parent?.spanContext().spanId);
    expect(parent?.parentSpanContext).toMatchObject({ traceId, spanId: '00f067aa0ba902b7', isRemote: true });
  });

  it('says that a step failed, and not what the error said', async () => {
    collected.reset();
    const failing = traced('failing', 'internal', async () => Promise.reject(new Error('canary-8842')));
    await expect(failing).rejects.toThrow('canary-8842');
    expect(collected.getFinishedSpans()).toMatchObject([{ name: 'failing', status: { code: SpanStatusCode.ERROR } }]);
    expect(JSON.stringify(collected.getFinishedSpans()[0]?.events)).not.toContain('canary-8842');
  });

  it('keeps no work from being done once where what collects it is broken', () => {
    const manager = vi.spyOn(context, 'with').mockImplementation(() => {
      throw new Error('broken keeper');
    });
    const done: string[] = [];
    try {
      continueTrace({ traceparent: given }, () => traced('x', 'internal', () => done.push('work')));
    } finally {
      manager.mockRestore();
    }
    expect(done).toEqual(['work']);
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

  it('has its workflow begun in that trace, where every client can read it and no codec has sealed it', async () => {
    collected.reset();
    const handle = rig.temporal.workflow.getHandle(agentTaskWorkflowId(await start({ traceparent: given })));
    const [first] = (await handle.fetchHistory()).events ?? [];
    const header = first?.workflowExecutionStartedEventAttributes?.header?.fields?.[traceHeader];
    const serving = collected.getFinishedSpans().find(({ name }) => name === 'control startTask');
    expect(serving?.parentSpanContext?.traceId).toBe(traceId);
    expect(JSON.parse(Buffer.from(header?.data ?? []).toString())).toEqual({
      traceparent: `00-${traceId}-${serving?.spanContext().spanId}-01`,
    });
  });

  it('can be described by a client that has none of our keys', async () => {
    const handle = rig.temporal.workflow.getHandle(agentTaskWorkflowId(await start({ traceparent: given })));
    expect((await handle.describe()).memo ?? {}).toEqual({});
  });
});
