import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { listen } from '../../examples/demo/fault-proxy.ts';
import { leaseMs } from '../../src/contract/numbers.ts';
import type { ChildProcess } from '../../src/runtime/local/child-process.ts';
import { startNodeProcess } from '../../src/runtime/local/node-process.ts';
import { sourceRoot } from '../../src/runtime/package-root.ts';
import { noteStopSeen, reportFence } from '../../src/store/fence.ts';
import { requires } from '../kit/requires.ts';
import { agentSpec, type PlacedStack, startStack, type TaskHandle } from './kit.ts';
import { workerToken } from './token-door.ts';
import { callsOf, expectStopped, until } from './watch.ts';

const suspendedMs = 20_000;

requires('temporal')('workers as processes', () => {
  let stack: PlacedStack;
  const processes: ChildProcess[] = [];

  const startWorker = async (
    name: 'agent' | 'trusted',
    label: string = name,
    gatewayUrl = stack.gateway.url,
  ): Promise<ChildProcess> => {
    const child = await startNodeProcess({
      name: label,
      main: join(sourceRoot, 'workers', `${name}.ts`),
      stateFolder: stack.folder,
      logFile: logOf(label),
      graceMs: 8_000,
      env: {
        PATH: process.env['PATH'],
        ESTOP_ENVIRONMENT: 'test',
        ESTOP_STATE: stack.folder,
        ESTOP_CONFIG: join(stack.folder, 'estop.yaml'),
        ESTOP_TEMPORAL_ADDRESS: stack.temporal.address,
        ESTOP_CONTROL_URL: stack.controlUrl,
        ESTOP_GATEWAY_URL: gatewayUrl,
        ...(name === 'trusted' ? { ESTOP_DATABASE_URL: stack.ledger.trustedUrl } : { ESTOP_WORKER_TOKEN: workerToken }),
      },
    });
    processes.push(child);
    await vi.waitFor(() => expect(readFileSync(logOf(label), 'utf8')).toContain('"event":"worker.running"'), {
      timeout: 45_000,
    });
    return child;
  };
  const logOf = (label: string): string => join(stack.folder, `${label}.log`);

  /** Its last heartbeat, as Temporal keeps it and as a worker opens it. */
  const heartbeatOf = async (handle: TaskHandle): Promise<readonly [string, string]> => {
    const [kept] = (await handle.describe()).raw.pendingActivities?.[0]?.heartbeatDetails?.payloads ?? [];
    const [opened] = kept ? ((await stack.dataConverter.payloadCodecs?.[0]?.decode([kept])) ?? []) : [];
    const text = (data: Uint8Array | null | undefined): string => Buffer.from(data ?? []).toString('utf8');
    return [text(kept?.data), text(opened?.data)];
  };

  beforeAll(async () => {
    stack = await startStack({
      workers: false,
      agents: [agentSpec('billing-bot', { tools: { 'billing/*': 'allow', 'billing/slow_report': 'allow' } })],
      scripts: {
        'reports': [{ call: [{ tool: 'billing__slow_report', arguments: { seconds: 60 } }] }, { say: 'not known' }],
        'for-ever': [{ call: [{ tool: 'billing__list_invoices', arguments: {} }], tokens: 1 }],
        'ponders': [{ call: [{ tool: 'billing__list_invoices', arguments: {} }] }, { hang: true }],
      },
    });
    const models = ['reports', 'for-ever', 'ponders'].map(
      (name) =>
        `  ${name}: { provider: openai-compatible, model: ${name}, baseUrl: '${stack.model.baseUrl}', network: loopback, price: { input: 0, output: 0 } }`,
    );
    writeFileSync(
      join(stack.folder, 'estop.yaml'),
      `environment: test\ntrustDomain: test.example\nagents:\n  billing-bot: { owner: Olga, stopHolder: Sam, model: reports, tools: { 'billing/*': allow, billing/send_reminder: allow, billing/slow_report: allow, billing/refund_payment: allow } }\ntools:\n  billing: { url: '${stack.tools.url}' }\nmodels:\n${models.join('\n')}\n`,
    );
    await startWorker('trusted');
  });
  afterAll(async () => {
    await Promise.all(processes.map((child) => child.stop()));
    await stack.stop();
  });

  it('killed in the middle of a tool call does not make it twice; the model is told that nobody knows', {
    timeout: 120_000,
  }, async () => {
    const worker = await startWorker('agent');
    const handle = await stack.start('reports');
    await until(() => callsOf(stack, handle).length === 1);
    process.kill(worker.pid, 'SIGKILL');
    await startWorker('agent', 'agent-2');
    expect(await handle.result()).toMatchObject({ outcome: 'done', answer: 'not known' });
    expect(JSON.stringify(stack.model.requests().at(-1))).toContain('Whether it took effect is not known.');
    expect(callsOf(stack, handle)).toEqual(['slow_report']);
  });

  it.each([
    ['killed', 'SIGKILL', '2b'],
    ['asked to end', 'SIGTERM', '2c'],
  ] as const)(
    '%s while the model thinks about what a call brought, loses nothing of it',
    {
      timeout: 120_000,
    },
    async (_how, signal, next) => {
      const pondering = () => stack.model.requests().filter((body) => JSON.stringify(body).includes('"ponders"'));
      const before = pondering().length;
      const handle = await stack.start('ponders');
      await until(() => pondering().length === before + 2);
      // One that was sent before the call was over says nothing of it.
      await until(async () => (await heartbeatOf(handle))[1].includes('INV-1'));
      expect((await heartbeatOf(handle))[0]).not.toContain('INV-1');
      process.kill(processes.at(-1)?.pid ?? 0, signal);
      await startWorker('agent', `agent-${next}`);
      await until(() => pondering().length === before + 3);
      const told = JSON.stringify(pondering().at(-1));
      expect(told).toContain('INV-1');
      expect(told).not.toContain('interrupted');
      expect(callsOf(stack, handle)).toEqual(['list_invoices']);
      await handle.terminate();
    },
  );

  it('asked to end in the middle of a tool call, gives the call up, and no other worker makes it again', {
    timeout: 120_000,
  }, async () => {
    const worker = processes.at(-1);
    const handle = await stack.start('reports');
    await until(() => callsOf(stack, handle).length === 1);
    await Promise.all([worker?.stop(), startWorker('agent', 'agent-after')]);
    expect(await handle.result()).toMatchObject({ outcome: 'done', answer: 'not known' });
    expect(callsOf(stack, handle)).toEqual(['slow_report']);
  });

  it('asked to end, drains: a task under way goes on with the next worker and every call is made once', {
    timeout: 120_000,
  }, async () => {
    const handle = await stack.start('for-ever', { limits: { maxSteps: 60 } });
    await until(() => callsOf(stack, handle).length > 5);
    const worker = processes.at(-1);
    await Promise.all([worker?.stop(), startWorker('agent', 'agent-3')]);
    expect(await worker?.exited).toMatchObject({ code: 0 });
    expect(await handle.result()).toMatchObject({ outcome: 'step-cap' });
    expect(callsOf(stack, handle)).toHaveLength(59);
  });

  it('that is stuck for twenty seconds in the middle of its calls keeps no kill from being latched; what it had sent does nothing any more', {
    timeout: 120_000,
  }, async () => {
    const way = await listen({ host: '127.0.0.1', port: Number(new URL(stack.gateway.url).port) });
    await processes.at(-1)?.stop();
    const stuck = await startWorker('agent', 'agent-4', `http://127.0.0.1:${way.port}`);
    const limits = { maxSteps: 100_000, maxTokens: 1_000_000 };
    const handles = await Promise.all(Array.from({ length: 6 }, () => stack.start('for-ever', { limits })));
    await until(() => handles.every((handle) => callsOf(stack, handle).length > 5));
    // Its calls leave it, and stand on the way to the gateway.
    await way.addToxic('hang', { type: 'timeout', timeout: 0 });
    await sleep(1_000);
    process.kill(stuck.pid, 'SIGSTOP');
    const isOver = sleep(suspendedMs);
    await startWorker('agent', 'agent-5');
    await Promise.all(handles.map((handle) => handle.signal('kill')));
    for (const handle of handles) {
      const { stopId } = await expectStopped(handle);
      await noteStopSeen(stack.ledger.revoker, stopId);
      await until(() => reportFence(stack.ledger.revoker, stopId, leaseMs));
    }
    const arrived = () => ({ calls: stack.tools.log().length, questions: stack.model.requests().length });
    const whenFenced = arrived();
    await isOver;
    await way.removeToxic('hang');
    process.kill(stuck.pid, 'SIGCONT');
    // What it still wants to do it does now, or before it ends.
    await sleep(2_000);
    await stuck.stop();
    expect(await stuck.exited).toMatchObject({ code: 0 });
    await way.close();
    expect(arrived()).toEqual(whenFenced);
  });
});
