import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { Connector, LedgerGrant } from '../../src/connectors/kit/contract.ts';
import { temporal } from '../../src/connectors/temporal/index.ts';
import { temporalOptions } from '../../src/connectors/temporal/options.ts';
import { connectTarget } from '../../src/connectors/temporal/target.ts';
import { namespaces } from '../../src/contract/names.ts';
import { errorCodeOf } from '../../src/core/errors.ts';
import { requires } from '../kit/requires.ts';
import { sealingClient } from '../kit/sealing-client.ts';
import { type Bench, benchOf, healthyMs, shortMs, within } from './bench-of.ts';
import { environment } from './rig.ts';
import { grpc, runs, scheduleOf, startTemporalRig, type TemporalRig, wake } from './temporal.rig.ts';

/** Not the connector of the contract suite, whose control identity is broken there on purpose. */
const connectorId = 'another-temporal';

const patience = { timeout: 20_000 };

/** The sweep finds nothing any more. */
const wholeCut = ['revoked', 'revoked', 'revoked', 'already-gone'];

function connectorOf(options: unknown): Connector {
  const host = { connectorId, environment, now: () => new Date(), readSecret: () => '' };
  return temporal.create(temporalOptions.parse(options), host);
}

requires('temporal')('what wakes an agent in Temporal', () => {
  let rig: TemporalRig;
  let bench: Bench;
  let client: Client;
  beforeAll(async () => {
    rig = await startTemporalRig(inject('temporalAddress'), connectorId);
    bench = benchOf('temporal', rig);
    client = rig.client;
  });
  afterAll(async () => {
    await bench.connector.close();
    await rig.stop();
  });
  const cut = (phase: (typeof temporal.phases)[number], grant: LedgerGrant) =>
    bench.connector.cut(phase, grant, within(healthyMs));
  const cutAll = async (grant: LedgerGrant) => {
    const kinds = [];
    for (const phase of temporal.phases) kinds.push((await cut(phase, grant)).kind);
    return kinds;
  };
  const probe = (grant: LedgerGrant) => bench.connector.probe(grant, within(healthyMs));
  const issued = (options?: unknown) => bench.issue(bench.plan(options));

  it('is ended although the agent is woken between any two steps of the cut', async () => {
    const { grant, secret } = await issued();
    const woken: (string | undefined)[] = [await wake(client, grant, secret)];
    for (const phase of ['fence', 'terminate'] as const) {
      expect((await cut(phase, grant)).kind).toBe('revoked');
      woken.push(await wake(client, grant, secret));
    }
    expect(woken).not.toContain(undefined);
    expect((await cut('disable-integration', grant)).kind).toBe('revoked');
    expect(await wake(client, grant, secret)).toBeUndefined();
    expect((await probe(grant)).kind).toBe('allowed');
    expect((await cut('sweep', grant)).kind).toBe('revoked');
    for (const workflowId of woken) expect(await runs(client, String(workflowId))).toBe(false);
    expect((await probe(grant)).kind).toBe('denied');
  });

  it('is ended with every child that it let go, and with the run that it continued as', async () => {
    const taskQueue = `children-of-${Date.now().toString(36)}`;
    const { grant, secret } = await issued({ workflowType: 'wakeTheAgent', taskQueue });
    const parent = String(await wake(client, grant, secret));
    const child = `let-go-${scheduleOf(grant)}`;
    await completeTask(client, taskQueue, (events) => {
      expect(events).toBeGreaterThan(0);
      return [
        {
          commandType: 11, // START_CHILD_WORKFLOW_EXECUTION
          startChildWorkflowExecutionCommandAttributes: {
            workflowId: child,
            workflowType: { name: 'carriesOn' },
            taskQueue: { name: 'never-polled' },
            parentClosePolicy: 2, // ABANDON
          },
        },
      ];
    });
    // The child has started, which the parent is told; it goes on as a new run.
    await completeTask(client, taskQueue, () => [
      {
        commandType: 10, // CONTINUE_AS_NEW_WORKFLOW_EXECUTION
        continueAsNewWorkflowExecutionCommandAttributes: {
          workflowType: { name: 'wakeTheAgent' },
          taskQueue: { name: taskQueue },
        },
      },
    ]);
    await expect
      .poll(() => client.workflow.count(`WorkflowId = "${child}"`).then(({ count }) => count), patience)
      .toBe(1);
    expect([await runs(client, parent), await runs(client, child)]).toEqual([true, true]);
    expect(await cutAll(grant)).toEqual(['revoked', 'revoked', 'revoked', 'revoked']);
    expect([await runs(client, parent), await runs(client, child)]).toEqual([false, false]);
    expect((await probe(grant)).kind).toBe('denied');
  });

  it('is not made again by a request that was on its way while everything was cut', async () => {
    const late = await startTemporalRig(inject('temporalAddress'), connectorId);
    const slow = benchOf('temporal', late);
    expect((await slow.connector.control(slow.plan(), within(healthyMs))).kind).toBe('allowed'); // its connection is open
    const grant = bench.plan();
    await late.proxy.addToxic('hang', { type: 'timeout', timeout: 0 });
    const asked = slow.issue(grant).then(() => 'issued', errorCodeOf);
    expect(await cutAll(grant)).toEqual(Array(temporal.phases.length).fill('not-found-unconfirmed'));
    await late.proxy.removeToxic();
    expect(await asked).toBe('conflict');
    expect(await probe(grant)).toMatchObject({ kind: 'denied', evidence: 'issuer-attested' });
    await slow.connector.close();
    await late.stop();
  });

  it('is deleted again if it is made between its deletion and the taking of its name', async () => {
    const { grant, secret } = await issued();
    let made = 0;
    rig.gate.refuse = async (_method, body) => {
      if (!body.includes('estopTombstone') || made > 0) return undefined;
      made += 1;
      await createPlain(client, scheduleOf(grant));
      return undefined;
    };
    expect((await cut('disable-integration', grant)).kind).toBe('revoked');
    rig.gate.refuse = () => undefined;
    expect(made).toBe(1);
    expect(await wake(client, grant, secret)).toBeUndefined();
    expect((await probe(grant)).kind).toBe('denied');
  });

  it('is not called dead while its name is free', async () => {
    const { grant } = await issued();
    await client.schedule.getHandle(scheduleOf(grant)).delete();
    expect(await probe(grant)).toMatchObject({ kind: 'inconclusive', why: expect.stringMatching(/name is free/) });
    expect(await cutAll(grant)).toEqual(['already-gone', 'already-gone', 'already-gone', 'already-gone']);
    expect((await probe(grant)).kind).toBe('denied');
  });

  it('is not called dead by a schedule that only says so', async () => {
    const { grant } = await issued();
    await cutAll(grant);
    await client.schedule.getHandle(scheduleOf(grant)).delete();
    await createPlain(client, scheduleOf(grant), { estop: 'cut' });
    expect((await probe(grant)).kind).toBe('allowed');
    expect(await cutAll(grant)).toEqual(wholeCut);
    expect((await probe(grant)).kind).toBe('denied');
  });

  it('is cut off although the agent has sealed what the schedule and its workflows carry', async () => {
    const { grant, secret } = await issued();
    const woken = String(await wake(client, grant, secret));
    const sealer = sealingClient(client);
    await sealer.schedule.getHandle(scheduleOf(grant)).delete();
    await createPlain(sealer, scheduleOf(grant), { estop: 'cut' });
    const below = `${scheduleOf(grant)}/below`;
    await sealer.workflow.start('carriesOn', {
      workflowId: below,
      taskQueue: 'never-polled',
      args: ['sealed'],
      memo: { note: 'sealed' },
      staticDetails: 'sealed',
    });
    await expect
      .poll(() => client.workflow.count(`WorkflowId = "${below}"`).then(({ count }) => count), patience)
      .toBe(1);
    expect((await probe(grant)).kind).toBe('allowed');
    expect(await bench.connector.lists(grant, within(healthyMs))).toBe('present');
    expect(await cutAll(grant)).toEqual(wholeCut);
    expect([await runs(client, woken), await runs(sealer, below)]).toEqual([false, false]);
    expect((await probe(grant)).kind).toBe('denied');
  });

  it('ends by itself at the absolute end of its grant', async () => {
    const { grant } = await issued();
    const { spec } = await client.schedule.getHandle(scheduleOf(grant)).describe();
    expect(spec.endAt?.toISOString()).toBe(grant.absoluteEnd);
    await cutAll(grant);
  });

  it('is never called gone because the namespace cannot be found: a person is asked', async () => {
    const connector = connectorOf({ ...(rig.options as object), namespace: 'misspelt' });
    const { grant } = await issued();
    for (const phase of temporal.phases) {
      expect(await connector.cut(phase, grant, within(healthyMs))).toMatchObject({
        kind: 'needs-human',
        why: expect.stringMatching(/no namespace misspelt/),
      });
    }
    expect((await connector.probe(grant, within(healthyMs))).kind).toBe('inconclusive');
    expect((await connector.control(grant, within(healthyMs))).kind).toBe('not-allowed');
    expect((await connector.selfCheck(within(healthyMs))).findings.join()).toMatch(/no namespace misspelt/);
    expect(await connector.lists(grant, within(healthyMs)).catch(errorCodeOf)).toBe('connector-refused');
    expect(await connector.issue(bench.plan(), within(healthyMs)).catch(errorCodeOf)).toBe('connector-refused');
    await connector.close();
    await cutAll(grant);
  });

  it.each([
    ['has too much to do', grpc.resourceExhausted, 'retryable', 'connector-unavailable', 'has too much to do just now'],
    ['has a fault of its own', grpc.internal, 'retryable', 'connector-unavailable', 'reports a fault of its own'],
    ['does not know us', grpc.unauthenticated, 'needs-human', 'connector-refused', 'our own credential is refused'],
    ['does not let us', grpc.permissionDenied, 'needs-human', 'connector-refused', 'our own credential is refused'],
  ] as const)(
    'stays an open obligation while the server says that it %s',
    async (_title, status, kind, code, words) => {
      const { grant } = await issued();
      rig.gate.refuse = () => status;
      for (const phase of temporal.phases) expect((await cut(phase, grant)).kind).toBe(kind);
      // Whoever is told knows no numbers of gRPC.
      expect(await probe(grant)).toMatchObject({ kind: 'inconclusive', why: expect.stringMatching(`${words}\\.$`) });
      expect((await bench.connector.control(grant, within(healthyMs))).kind).toBe('not-allowed');
      expect(await bench.issue(bench.plan()).catch(errorCodeOf)).toBe(code);
      rig.gate.refuse = () => undefined;
      expect(await cutAll(grant)).toEqual(wholeCut);
    },
  );

  it('keeps the deadline of an attempt at a server that accepts a connection and says nothing', async () => {
    const silent = await startTemporalRig(inject('temporalAddress'), connectorId);
    await silent.proxy.addToxic('hang', { type: 'timeout', timeout: 0 });
    const connector = connectorOf(silent.options);
    const grant = bench.plan();
    // Nothing but the signal can end these: the server never answers, and the client on its own would wait for it.
    expect(await connector.cut('fence', grant, within(shortMs))).toMatchObject({
      kind: 'retryable',
      why: expect.stringMatching(/no answer in time/),
    });
    expect((await connector.probe(grant, within(shortMs))).kind).toBe('inconclusive');
    expect(await connector.issue(grant, within(shortMs)).catch(errorCodeOf)).toBe('connector-unavailable');
    await connector.close();
    await silent.stop();
  });

  it('keeps the deadline also where it passes between two calls of one step', async () => {
    const target = connectTarget(temporalOptions.parse(rig.options), () => undefined);
    const attempt = new AbortController();
    let release = (): void => undefined;
    rig.gate.refuse = () => new Promise((resolve) => (release = () => resolve(grpc.internal)));
    const step = target.call('Two calls', attempt, (connected) => {
      attempt.abort(new Error('the deadline has passed'));
      return connected.workflowService.describeNamespace({ namespace: namespaces.agents });
    });
    expect(await step.catch(errorCodeOf)).toBe('connector-unavailable');
    rig.gate.refuse = () => undefined;
    release();
    await target.close();
  });

  it('is asked for nothing once the deadline of an attempt has passed', async () => {
    const { grant } = await issued();
    const before = new Map(rig.gate.passed);
    const over = { signal: AbortSignal.abort() };
    for (const phase of temporal.phases) expect((await bench.connector.cut(phase, grant, over)).kind).toBe('retryable');
    expect(await bench.connector.issue(bench.plan(), over).catch(errorCodeOf)).toBe('connector-unavailable');
    await sleep(100);
    expect(rig.gate.passed).toEqual(before);
    await cutAll(grant);
  });
});

async function createPlain(client: Client, scheduleId: string, memo: Record<string, unknown> = {}): Promise<void> {
  await client.schedule.create({
    scheduleId,
    spec: { intervals: [{ every: 3_600_000 }] },
    memo,
    action: {
      type: 'startWorkflow',
      workflowType: 'wakeTheAgent',
      taskQueue: 'never-polled',
      workflowId: `${scheduleId}/wake`,
      args: ['what to do'],
    },
  });
}

type Commands = NonNullable<Parameters<Client['workflowService']['respondWorkflowTaskCompleted']>[0]['commands']>;

/** A worker of one workflow task, so that a test needs no bundle. */
async function completeTask(client: Client, taskQueue: string, decide: (events: number) => Commands): Promise<void> {
  const poll = { namespace: namespaces.agents, taskQueue: { name: taskQueue }, identity: 'test' };
  const task = await client.connection.withDeadline(Date.now() + 20_000, () =>
    client.workflowService.pollWorkflowTaskQueue(poll),
  );
  const commands = decide(task.history?.events?.length ?? 0);
  await client.workflowService.respondWorkflowTaskCompleted({
    namespace: namespaces.agents,
    taskToken: task.taskToken,
    commands,
  });
}
