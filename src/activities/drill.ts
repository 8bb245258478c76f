import { Context } from '@temporalio/activity';
import { awakeTimeout } from '../connectors/kit/awake-time.ts';
import type { Connector, ConnectorSystem, LedgerGrant } from '../connectors/kit/contract.ts';
import type { DrillActivities, DrillIssue, DrillIssueActivities } from '../contract/activities.ts';
import type { Log, Sealer } from '../contract/identity.ts';
import { drillAgent } from '../contract/names.ts';
import { EstopError, errorCodeOf } from '../core/errors.ts';
import { beginDrill, drillIssued, finishDrill, intendDrill, lookAtDrill } from '../store/drills.ts';
import { mintRecheck } from '../store/grants.ts';
import type { Store } from '../store/pool.ts';
import { closeTasks } from '../store/tasks.ts';
import { beating } from './heartbeat.ts';

interface DrillDeps {
  readonly store: Store;
  readonly log: Log;
}

interface DrillIssueDeps extends DrillDeps {
  readonly environment: string;
  readonly sealer: Sealer;
  /** Throws where the connector cannot be built. */
  readonly get: (connectorId: string) => Held;
}

interface Held {
  readonly connector: Connector;
  readonly system: ConnectorSystem;
}

/** Its issuer is told this end; by then it is dead without us. As long as tokens commonly live: an issuer may know no shorter ones. */
const lifeMs = 60 * 60_000;

/** What of a drill the ledger does: the end of its task is what cuts the credential off, by the revocation of any task that ended. */
export function createDrillActivities({ store, log }: DrillDeps): DrillActivities {
  return {
    endDrill: async (taskId) => void (await closeTasks(store, [taskId], 'drill')),
    lookAtDrill: async (taskId) => {
      const { isIssued, isFinal, state, lastError, residualUntil, stopId } = await lookAtDrill(store, taskId);
      if (isIssued && isFinal && state === 'proved') return { kind: 'proved' };
      if (stopId !== undefined) return { kind: 'overtaken', why: `A stop came over it and ends it: ${stopId}.` };
      if (state === 'residual') return { kind: 'open', why: `Access is left until ${residualUntil ?? 'its end'}.` };
      if (isFinal) return { kind: 'over', why: `Its credential is ${state ?? 'gone'}, which is no proof.` };
      return { kind: 'open', why: lastError ?? 'It was not proved dead in time.' };
    },
    finishDrill: async ({ taskId, connectorId, state, why }) => {
      const recorded = await finishDrill(store, taskId, { state, ...(why === undefined ? {} : { why }) });
      const level = recorded === 'failed' ? 'error' : 'info';
      log[level]({ event: `drill.${recorded}`, taskId, connectorId, why }, 'a drill is over');
    },
  };
}

/**
 * Makes the credential that a drill throws away, by the steps of every mint, and sees that it works: what never worked proves nothing by
 * being refused. The reasons are ours; what a system said is in none of them.
 */
export function createDrillIssue(deps: DrillIssueDeps): DrillIssueActivities {
  return {
    issueDrill: async (taskId) => {
      const begun = await beginDrill(deps.store, taskId);
      switch (begun.kind) {
        case 'over':
          return failed('It was over before its credential was issued.');
        case 'stopped':
          return covered(begun.stopId);
        case 'begun':
          return beating(() => issue(deps, deps.get(begun.connectorId), taskId, begun));
      }
    },
  };
}

const covered = (stopId: string): DrillIssue => ({
  kind: 'impossible',
  why: `A stop is in force that covers it: ${stopId}.`,
});

const failed = (why: string): DrillIssue => ({ kind: 'failed', why });

async function issue(
  deps: DrillIssueDeps,
  held: Held,
  taskId: string,
  { epoch, connectorId }: { readonly epoch: number; readonly connectorId: string },
): Promise<DrillIssue> {
  const { store, environment, sealer } = deps;
  const { connector, system } = held;
  if (system.drill === undefined)
    return { kind: 'impossible', why: 'This connector issues nothing that could be thrown away.' };
  const grantId = taskId.replace(/^task_/, 'grant_');
  const agentId = drillAgent(connectorId);
  const options = system.grantSchema.parse(system.drill);
  const { target, handle, shared } = connector.plan({ grantId, environment, agentId, taskId, epoch, options });
  const intent = await intendDrill(store, {
    taskId,
    grantId,
    target,
    shared: shared ?? system.generations === 'shared',
    handle,
    epoch,
    lifeMs,
  });
  // An earlier attempt, or an earlier run: whatever it left is ended with the task.
  if (intent.kind === 'exists')
    return failed('It was interrupted before it was known whether a credential was issued.');
  if (intent.kind === 'stopped') return covered(intent.stopId);
  if (intent.kind !== 'intended')
    return failed(`Its credential could not be recorded: ${intent.kind === 'refused' ? intent.reason : intent.kind}.`);
  const check = await mintRecheck(store, grantId);
  if (check.kind === 'stopped') return covered(check.stopId);
  if (check.kind !== 'issue') return failed(`Its credential could not be issued: ${check.kind}.`);
  const planned: LedgerGrant = {
    grantId,
    environment,
    agentId,
    taskId,
    epoch,
    target,
    handle,
    secret: undefined,
    absoluteEnd: intent.absoluteEnd,
    state: 'intended',
  };
  const context = {
    signal: AbortSignal.any([Context.current().cancellationSignal, awakeTimeout(system.attemptMs)]),
  };
  try {
    const secret = await connector.issue(planned, context);
    const sealed = sealer.seal(new TextEncoder().encode(JSON.stringify(secret)), grantId);
    const recorded = await drillIssued(store, { taskId, grantId }, sealed);
    if (recorded.kind === 'stopped') return covered(recorded.stopId);
    if (recorded.kind !== 'issued') return failed(`It was ended while its credential was issued: ${recorded.kind}.`);
    const probed = await connector.probe({ ...planned, secret, state: 'issued' }, context);
    return probed.kind === 'allowed'
      ? { kind: 'issued' }
      : failed('Its credential did not work before it was cut off.');
  } catch (thrown) {
    if (Context.current().cancellationSignal.aborted) throw thrown;
    const detail = thrown instanceof EstopError ? thrown.detail : undefined;
    deps.log.warn(
      { event: 'drill.not-issued', taskId, connectorId, code: errorCodeOf(thrown), detail },
      'a drill issued nothing',
    );
    return failed(`Its credential could not be issued: ${errorCodeOf(thrown)}.`);
  }
}
