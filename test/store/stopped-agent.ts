import { expect } from 'vitest';
import type { AgentSpec } from '../../src/contract/config.ts';
import { mintIntend, mintIssued, mintRecheck } from '../../src/store/grants.ts';
import { beginPhase, concludeObligation, markFinal, markRevoked, type PhaseAttempt } from '../../src/store/lanes.ts';
import { getObligation, openObligations } from '../../src/store/obligations.ts';
import { markStage, markSweep } from '../../src/store/stop-progress.ts';
import { closeTasks, type TaskRecord } from '../../src/store/tasks.ts';
import { addAgent, fence, type Ledger, newId, startTask, stopAgent } from './ledger.ts';

const sealed = new TextEncoder().encode('sealed');

export async function addGrant(l: Ledger, task: TaskRecord, connector = 'pg-main'): Promise<string> {
  const grantId = newId('grant');
  const trusted = l.as('estop_trusted');
  await mintIntend(trusted, {
    grantId,
    name: grantId,
    taskId: task.taskId,
    connector,
    target: 't',
    shared: false,
    handle: {},
    epoch: task.epoch,
    lifeMs: 60_000,
  });
  await mintRecheck(trusted, grantId);
  await mintIssued(trusted, grantId, sealed);
  return grantId;
}

interface Scene {
  readonly agent: AgentSpec;
  readonly task: TaskRecord;
  readonly stopId: string;
  readonly lanes: readonly string[];
}

/** A stopped agent with so many issued grants, or one at each of these connectors, fenced, halted and swept; its obligations are open. */
export async function stopped(l: Ledger, grants: number | readonly string[]): Promise<Scene> {
  const agent = await addAgent(l);
  const task = await startTask(l, agent);
  const grantIds: string[] = [];
  const connectors = typeof grants === 'number' ? Array<undefined>(grants).fill(undefined) : grants;
  for (const connector of connectors) grantIds.push(await addGrant(l, task, connector));
  const { stopId } = await stopAgent(l, agent);
  const revoker = l.as('estop_revoker');
  expect(await fence(l, stopId)).toBe(true);
  await closeTasks(revoker, [task.taskId], 'terminated');
  expect(await markStage(revoker, stopId, 'halted')).toBe(true);
  for (const after of [0, 1]) await markSweep(revoker, stopId, after);
  await openObligations(revoker, stopId);
  return { agent, task, stopId, lanes: grantIds.map((grantId) => `${stopId}/${grantId}`) };
}

export async function cutAndProve(l: Ledger, lane: string, round = 0): Promise<void> {
  const revoker = l.as('estop_revoker');
  expect(await markRevoked(revoker, lane, round)).toBe(true);
  expect(await concludeObligation(revoker, lane, round, { kind: 'proved', evidence: 'credential-probed' })).toBe(true);
}

/** One last probe of a lane that finds it dead. Without an attempt it begins now. */
export async function lastProbe(l: Ledger, lane: string, round = 0, attempt?: PhaseAttempt): Promise<boolean> {
  const begun = attempt ?? (await beginPhase(l.as('estop_revoker'), { obligationId: lane, phase: 'final', round }));
  const probe = { obligationId: lane, round, begunAt: begun.kind === 'begun' ? begun.begunAt : '' };
  return (await markFinal(l.as('estop_revoker'), [probe])) === 1;
}

export const isFinal = async (l: Ledger, lane: string): Promise<boolean> =>
  (await getObligation(l.as('estop_revoker'), lane))?.finalAt !== undefined;
