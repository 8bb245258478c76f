import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { CallContext, Connector, ConnectorHost, GrantSecret, LedgerGrant, ProbeResult, RevokeResult } from '../kit/contract.ts';
import { controlName, principalName } from '../kit/names.ts';
import { alreadyGone, deniedTo, inconclusive, notFound, revoked, stillAllowed } from '../kit/results.ts';
import { totalConnector } from '../kit/total-connector.ts';
import { temporalGrant, type TemporalOptions } from './options.ts';
import { connectTarget, isAlreadyThere, type Target } from './target.ts';

/** How long visibility may lag behind what runs; a list is believed when it was empty twice, this far apart. */
const visibilityLagMs = 1_000;

/**
 * The agent's own schedule and the workflows that it starts: what would wake the agent again after everything else is dead.
 * Schedule and workflows carry the grant's own name, so nothing of another generation is touched. Not covered: workflows that an
 * agent with unrestricted access to the namespace starts under names of its own; give agents no such access.
 */
export function createTemporalConnector(options: TemporalOptions, host: ConnectorHost): Connector {
  const target = connectTarget(options, () => (options.apiKey === undefined ? undefined : host.readSecret(options.apiKey)));
  const controlId = controlName(host.environment, host.connectorId);
  return totalConnector({
    plan: (request) => {
      const grant = temporalGrant.parse(request.options);
      return {
        target: `${options.namespace}@${options.address}`,
        handle: { scheduleId: principalName(request), workflowType: grant.workflowType, taskQueue: grant.taskQueue, everySeconds: grant.everySeconds },
      };
    },
    issue: async (grant, context) => {
      await target.call('Creating a schedule', context, (client) => createSchedule(client, grant));
      return secretOf(options, grant);
    },
    cut: async (phase, grant, context) => {
      switch (phase) {
        case 'fence':
          return pause(target, grant, context);
        case 'terminate':
        case 'sweep':
          await terminateAll(target, grant, context);
          return revoked;
        default:
          return remove(target, grant, context);
      }
    },
    probe: (grant, context) => probe(target, grant, context),
    control: async (_grant, context) => {
      const patched = await target.find('Patching the control schedule', context, (client) => patch(client, controlId));
      if (patched !== 'not-found') return { kind: 'allowed' };
      await target.call('Creating the control schedule', context, (client) => createControl(client, controlId));
      return { kind: 'allowed' };
    },
    lists: async (grant, context) => {
      const schedule = await target.find('Describing a schedule', context, (client) => client.schedule.getHandle(idOf(grant)).describe());
      if (schedule !== 'not-found') return 'present';
      return (await target.call('Listing workflows', context, (client) => running(client, idOf(grant)))).length === 0 ? 'absent' : 'present';
    },
    selfCheck: async (context) => {
      const found = await target.find('Describing the namespace', context, async (client) => client.workflowService.describeNamespace({ namespace: options.namespace }));
      return found === 'not-found' ? { ok: false, findings: [`There is no namespace ${options.namespace}.`] } : { ok: true, findings: [] };
    },
    close: () => target.close(),
  });
}

async function createSchedule(client: Client, grant: LedgerGrant): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: idOf(grant),
      // The issuer is told the absolute end: after it the schedule starts nothing.
      spec: { intervals: [{ every: Number(grant.handle['everySeconds']) * 1_000 }], endAt: new Date(grant.absoluteEnd) },
      policies: { overlap: 'SKIP', catchupWindow: '10s' },
      action: { type: 'startWorkflow', workflowType: String(grant.handle['workflowType']), taskQueue: String(grant.handle['taskQueue']), workflowId: `${idOf(grant)}/wake`, args: [] },
    });
  } catch (thrown) {
    // Ours from an earlier attempt whose answer was lost: the name belongs to this grant alone.
    if (!isAlreadyThere(thrown)) throw thrown;
  }
}

async function createControl(client: Client, scheduleId: string): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId,
      spec: {},
      state: { paused: true, note: 'Positive control of estop: its patches must be accepted while those of dead schedules are refused.' },
      action: { type: 'startWorkflow', workflowType: 'estopControl', taskQueue: 'estop-control-never-polled', workflowId: `${scheduleId}/never`, args: [] },
    });
  } catch (thrown) {
    if (!isAlreadyThere(thrown)) throw thrown;
  }
}

function secretOf(options: TemporalOptions, grant: LedgerGrant): GrantSecret {
  // No credential of ours goes along: how the agent reaches the namespace is its own affair, the schedule is what was granted.
  return { address: options.address, namespace: options.namespace, scheduleId: idOf(grant) };
}

async function pause(target: Target, grant: LedgerGrant, context: CallContext): Promise<RevokeResult> {
  const paused = await target.find('Pausing a schedule', context, (client) => client.schedule.getHandle(idOf(grant)).pause('estop: stopped'));
  return paused === 'not-found' ? gone(grant) : revoked;
}

async function remove(target: Target, grant: LedgerGrant, context: CallContext): Promise<RevokeResult> {
  const removed = await target.find('Deleting a schedule', context, (client) => client.schedule.getHandle(idOf(grant)).delete());
  return removed === 'not-found' ? gone(grant) : revoked;
}

/** Issued by us under a name of its own, so its absence means that it is gone; an intended one may never have been there. */
function gone(grant: LedgerGrant): RevokeResult {
  return grant.state === 'intended' ? notFound('The schedule was planned; it is not known whether it was ever made.') : alreadyGone;
}

/** Visibility lags, the schedule's own record does not: both are asked. */
async function terminateAll(target: Target, grant: LedgerGrant, context: CallContext): Promise<void> {
  const schedule = await target.find('Describing a schedule', context, (client) => client.schedule.getHandle(idOf(grant)).describe());
  const recorded = schedule === 'not-found' ? [] : [...schedule.info.runningActions, ...schedule.info.recentActions.map((result) => result.action)].flatMap(workflowIdOf);
  const listed = await target.call('Listing workflows', context, (client) => running(client, idOf(grant)));
  for (const workflowId of new Set([...recorded, ...listed])) {
    await target.find('Terminating a workflow', context, (client) => client.workflow.getHandle(workflowId).terminate('estop: stopped'));
  }
}

function workflowIdOf(action: object): readonly string[] {
  const workflow: unknown = 'workflow' in action ? action.workflow : undefined;
  return typeof workflow === 'object' && workflow !== null && 'workflowId' in workflow && typeof workflow.workflowId === 'string' ? [workflow.workflowId] : [];
}

/** The name holds letters, digits and `_` alone (kit/names.ts), so it needs no escaping in a visibility query. */
async function running(client: Client, scheduleId: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const execution of client.workflow.list({ query: `TemporalScheduledById = "${scheduleId}" AND ExecutionStatus = "Running"`, pageSize: 200 })) {
    found.push(execution.workflowId);
    if (found.length >= 1_000) break;
  }
  return found;
}

/** Does to the old schedule what the agent could: a patch. Pausing is the one patch that is harmless if it is still there. */
async function probe(target: Target, grant: LedgerGrant, context: CallContext): Promise<ProbeResult> {
  for (let attempt = 0; attempt < 2; attempt += 1) {
    if (attempt > 0) await sleep(visibilityLagMs, undefined, { signal: context.signal });
    const patched = await target.find('Patching the old schedule', context, (client) => patch(client, idOf(grant)));
    if (patched !== 'not-found') return stillAllowed('The old schedule still takes patches.');
    const alive = await target.call('Listing workflows', context, (client) => running(client, idOf(grant)));
    for (const workflowId of alive) {
      const described = await target.find('Describing a workflow', context, (client) => client.workflow.getHandle(workflowId).describe());
      if (described !== 'not-found' && described.status.name === 'RUNNING') return stillAllowed(`A workflow of the old schedule still runs.`);
      if (attempt > 0) return inconclusive('The list of workflows still shows one that is closed: it lags.');
    }
  }
  return deniedTo('credential-probed', 'The old schedule takes no patch, and nothing that it started runs.');
}

async function patch(client: Client, scheduleId: string): Promise<void> {
  await client.schedule.getHandle(scheduleId).pause('estop: probe');
}

const idOf = (grant: LedgerGrant): string => String(grant.handle['scheduleId']);
