import { setTimeout as sleep } from 'node:timers/promises';
import type { CallContext, ControlResult, LedgerGrant, ProbeResult } from '../kit/contract.ts';
import { deniedTo, inconclusive, stillAllowed } from '../kit/results.ts';
import { createControl, readStanding } from './schedule.ts';
import type { Target } from './target.ts';
import { isListedAs, isRunning, listRunning } from './workflows.ts';

/** How far apart the two looks at the list of workflows are. */
const betweenLooksMs = 1_000;

export interface Probe {
  readonly target: Target;
  readonly context: CallContext;
  readonly now: () => Date;
}

/**
 * A schedule is no secret: the credential is its name, and the probe asks the server what that name starts and what it has started.
 * It triggers nothing: a schedule that is still alive would wake the agent.
 */
export async function probeSchedule(probe: Probe, grant: LedgerGrant): Promise<ProbeResult> {
  const first = await lookOnce(probe, grant);
  if (first.kind !== 'denied') return first;
  await sleep(betweenLooksMs, undefined, { signal: probe.context.signal });
  return lookOnce(probe, grant);
}

async function lookOnce({ target, context, now }: Probe, grant: LedgerGrant): Promise<ProbeResult> {
  const standing = await readStanding(target, grant, context);
  if (standing.kind === 'live') return stillAllowed('The schedule of the grant is there.');
  const started = standing.kind === 'tombstone' ? standing.started : [];
  const running = await findRunning(target, [...started, ...(await listRunning(target, grant, context))], context);
  if (running !== undefined) return running;
  const newest = started.at(-1);
  if (newest !== undefined && (await lags(target, newest, context))) {
    return inconclusive('The list of workflows is behind what is known to have run.');
  }
  if (standing.kind === 'absent' && now().getTime() <= Date.parse(grant.absoluteEnd)) {
    return inconclusive('There is no schedule of that name, and the name is free.');
  }
  return deniedTo(
    grant.state === 'intended' ? 'issuer-attested' : 'credential-probed',
    'Nothing that starts workflows has the name of the grant, and nothing that it started runs.',
  );
}

async function findRunning(
  target: Target,
  workflowIds: readonly string[],
  context: CallContext,
): Promise<ProbeResult | undefined> {
  for (const workflowId of new Set(workflowIds)) {
    if ((await isRunning(target, workflowId, context)) === 'yes')
      return stillAllowed('A workflow of the old schedule still runs.');
  }
  return undefined;
}

/** An empty list means something only if the list has come as far as the last workflow that is known to have run. */
async function lags(target: Target, workflowId: string, context: CallContext): Promise<boolean> {
  if ((await isRunning(target, workflowId, context)) === 'forgotten') return false;
  return !(await isListedAs(target, workflowId, 'closed', context));
}

const lookForMs = 100;
const looks = 30;

/**
 * Outside every scope: a schedule that must be found, and a workflow that must be listed as running. Both start nothing and need no
 * worker. Without them an outage, or a list that is empty for everybody, would pass for a cut-off.
 */
export async function tryControl(target: Target, controlId: string, context: CallContext): Promise<ControlResult> {
  const found = await target.find('Describing the control schedule', context, (client) =>
    client.schedule.getHandle(controlId).describe(),
  );
  if (found === 'not-found')
    await target.make('Creating the control schedule', context, (client) => createControl(client, controlId));
  const workflowId = `${controlId}/control`;
  for (let look = 0; look < looks; look += 1) {
    if (await isListedAs(target, workflowId, 'Running', context)) return { kind: 'allowed' };
    if (look === 0) await startControl(target, workflowId, context);
    await sleep(lookForMs, undefined, { signal: context.signal });
  }
  return { kind: 'not-allowed', why: 'The control workflow runs and is not listed: the list of workflows lags.' };
}

async function startControl(target: Target, workflowId: string, context: CallContext): Promise<void> {
  await target.make('Starting the control workflow', context, (client) =>
    client.workflow.start('estopControl', {
      workflowId,
      taskQueue: 'estop-never-polled',
      args: [],
      staticSummary: 'Positive control of estop. It needs no worker and does nothing.',
    }),
  );
}
