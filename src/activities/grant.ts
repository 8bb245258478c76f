import { Context, sleep } from '@temporalio/activity';
import { awakeTimeout } from '../connectors/kit/awake-time.ts';
import type { CallContext, GrantSecret, LedgerGrant } from '../connectors/kit/contract.ts';
import type { GrantDecision, TrustedActivities } from '../contract/activities.ts';
import type { ConfigSource, GrantSpec } from '../contract/config.ts';
import type { Log, Sealer } from '../contract/identity.ts';
import { type CuttingPhase, cuttingPhases } from '../contract/phases.ts';
import { grantSpecOf } from '../contract/tool-grant.ts';
import { EstopError, errorCatalogue, errorCodeOf } from '../core/errors.ts';
import { appendAudit } from '../store/audit.ts';
import { endWant, type GrantWant, isWanted } from '../store/grant-wants.ts';
import { mintIntend, mintIssued, mintRecheck } from '../store/grants.ts';
import type { Store } from '../store/pool.ts';
import { getTask, type TaskRecord } from '../store/tasks.ts';
import type { ConnectorDirectory } from './connector-directory.ts';
import { isDelegated } from './delegated-grant.ts';

export interface GrantDependencies {
  readonly store: Store;
  readonly config: ConfigSource;
  readonly connectors: ConnectorDirectory;
  readonly sealer: Sealer;
  readonly judgeGrant: GrantJudge;
  readonly log: Log;
}

/** What the policies in force say of a grant. Undefined: it may be issued. */
export type GrantJudge = (task: TaskRecord, spec: GrantSpec) => Promise<GrantRefusal | undefined>;

export interface GrantRefusal {
  readonly reason: 'denied-by-policy' | 'policy-unavailable';
  readonly policies: readonly string[];
  readonly version?: string;
}

type HeldConnector = ReturnType<ConnectorDirectory['get']>;

/** Slow connectors must leave activity slots free for the latch of a killed task. */
const maxMints = 50;
const crowdedRetryMs = 500;
const cutRetryMs = 1_000;

/**
 * Mints one grant: plan, intend, look again, issue, seal, record, look again (docs/architecture.md; model b1_mint). The credential
 * itself is never returned: the task gets it from the gateway, after one more look. A grant whose issue failed, or whose reply was
 * lost, stays `intended` with its handle; ending it is the revocation's work, and another try takes another id.
 */
export function createGrantActivities(dependencies: GrantDependencies): Pick<TrustedActivities, 'issueGrant'> {
  const { store, config, connectors, judgeGrant, log } = dependencies;
  let running = 0;

  const mint = async (taskId: string, grantId: string, name: string): Promise<GrantDecision> => {
    // The task's row first: its epoch, fixed at registration, is what the names in the handle carry.
    const task = await getTask(store, taskId);
    if (task === undefined) return { issued: false, reason: 'unknown-task' };
    const { environment } = config.current();
    const spec = grantSpecOf(config.current(), task.agentId, name);
    if (spec === undefined) return { issued: false, reason: 'not-configured' };
    if (!isDelegated(config.current(), task, spec)) return { issued: false, reason: 'not-delegated' };
    // The signal that asks for it can be forged; the row of the gateway cannot.
    if (spec.when === 'first-use' && !(await isWanted(store, { taskId, name })))
      return { issued: false, reason: 'not-wanted' };
    const refusal = await judgeGrant(task, spec);
    if (refusal !== undefined) return refuse(store, task, spec, refusal);
    const held = connectors.get(spec.connector);
    const planned = plan(held, { task, grantId, spec, environment });
    const intent = await intend(store, planned, spec);
    if (intent.kind === 'refused') return intent.decision;
    return issue(dependencies, held, { ...planned.grant, absoluteEnd: intent.absoluteEnd });
  };

  /** Whoever waits for it at a gateway. If it cannot be written they wait in vain, for seconds; the grant is what it is. */
  const tell = (want: GrantWant, refusal: string | undefined): Promise<void> =>
    endWant(store, want, refusal).catch(() => undefined);

  return {
    issueGrant: async ({ taskId, grantId, name }) => {
      if (running >= maxMints)
        throw new EstopError('connector-unavailable', {
          detail: 'too many mints at once',
          retryAfterMs: crowdedRetryMs,
        });
      running += 1;
      try {
        const decision = await mint(taskId, grantId, name);
        await tell({ taskId, name }, decision.issued ? undefined : (decision.reason ?? 'unknown'));
        if (!decision.issued)
          log.warn(
            { event: 'grant.not-issued', taskId, grantId, name, reason: decision.reason },
            'a grant was not issued',
          );
        return decision;
      } catch (thrown) {
        const code = errorCodeOf(thrown);
        if (errorCatalogue[code].retry === 'never') await tell({ taskId, name }, code);
        throw thrown;
      } finally {
        running -= 1;
      }
    },
  };
}

/** On record before anybody is told: without the record there is no refusal to tell of, and no grant either. */
async function refuse(
  store: Store,
  { taskId }: TaskRecord,
  { name, connector }: GrantSpec,
  { reason, policies, version }: GrantRefusal,
): Promise<GrantDecision> {
  await appendAudit(store, {
    kind: 'grant.denied',
    actor: 'policy',
    subject: taskId,
    detail: { name, connector, reason, policies, ...(version === undefined ? {} : { version }) },
  });
  return { issued: false, reason };
}

interface MintRequest {
  readonly task: TaskRecord;
  readonly grantId: string;
  readonly spec: GrantSpec;
  readonly environment: string;
}

interface Planned {
  readonly grant: LedgerGrant;
  /** Generations cannot be told apart at the target: said of this very grant, else of its system. */
  readonly shared: boolean;
}

/** rule: mint-kill-handle */
function plan(held: HeldConnector, { task, grantId, spec, environment }: MintRequest): Planned {
  const { agentId, taskId, epoch } = task;
  const { target, handle, shared } = held.connector.plan({
    grantId,
    environment,
    agentId,
    taskId,
    epoch,
    options: spec.options,
  });
  return {
    shared: shared ?? held.system.generations === 'shared',
    grant: {
      grantId,
      environment,
      agentId,
      taskId,
      epoch,
      target,
      handle,
      secret: undefined,
      absoluteEnd: '',
      state: 'intended',
    },
  };
}

type Intent =
  | { readonly kind: 'intended'; readonly absoluteEnd: string }
  | { readonly kind: 'refused'; readonly decision: GrantDecision };

/** rule: mint-intended-first, mint-absolute-end, target-lock */
async function intend(store: Store, { grant, shared }: Planned, spec: GrantSpec): Promise<Intent> {
  const { grantId, taskId, target, handle, epoch } = grant;
  const intent = await mintIntend(store, {
    grantId,
    name: spec.name,
    taskId,
    connector: spec.connector,
    target,
    shared,
    handle,
    epoch,
    lifeMs: spec.lifeMs,
    options: spec.options,
  });
  switch (intent.kind) {
    case 'intended':
      return intent;
    case 'exists':
      // An earlier attempt of this activity got this far, and perhaps as far as the issuer: this id is not issued again.
      return { kind: 'refused', decision: { issued: false, reason: 'interrupted', mayTryAgain: true } };
    case 'target-busy':
      throw new EstopError('target-busy', { detail: `${spec.connector} ${target}` });
    case 'stopped':
      return { kind: 'refused', decision: { issued: false, reason: 'stopped' } };
    case 'refused':
      return { kind: 'refused', decision: { issued: false, reason: intent.reason } };
    default:
      return intent satisfies never;
  }
}

async function issue(
  { store, sealer, log }: GrantDependencies,
  held: HeldConnector,
  grant: LedgerGrant,
): Promise<GrantDecision> {
  // rule: mint-reread
  const check = await mintRecheck(store, grant.grantId);
  if (check.kind === 'target-busy') return { issued: false, reason: check.kind, mayTryAgain: true };
  if (check.kind !== 'issue') return { issued: false, reason: check.kind };
  const context = attempt(held);
  let secret: GrantSecret;
  try {
    secret = await held.connector.issue(grant, context);
  } catch (error) {
    if (Context.current().cancellationSignal.aborted) throw error;
    return { issued: false, reason: errorCodeOf(error), mayTryAgain: true };
  }
  const sealed = sealer.seal(new TextEncoder().encode(JSON.stringify(secret)), grant.grantId);
  // rule: mint-reread-before-hand-over
  const decision = await mintIssued(store, grant.grantId, sealed);
  if (decision.kind === 'issued') return { issued: true };
  if (decision.kind === 'ended') {
    log.error(
      { event: 'grant.unledgered', grantId: grant.grantId },
      'a grant was closed while it was issued; it is cut off here',
    );
    await cutOff(held, { ...grant, secret });
  } else {
    // It has an obligation, whose lane may look for it in a minute only: here it is known now.
    for (const phase of phasesOf(held)) await isCut(held, phase, { ...grant, secret });
  }
  return { issued: false, reason: decision.kind };
}

/**
 * A credential that the ledger does not know has no obligation: nobody else would ever end it. Not protected: a worker that dies
 * right here; then it lives until the absolute end that its issuer was told.
 */
async function cutOff(held: HeldConnector, grant: LedgerGrant): Promise<void> {
  for (const phase of phasesOf(held)) {
    while (!(await isCut(held, phase, grant))) await sleep(cutRetryMs);
  }
}

const phasesOf = ({ system }: HeldConnector): readonly CuttingPhase[] =>
  cuttingPhases.filter((phase) => system.phases.includes(phase));

async function isCut(held: HeldConnector, phase: CuttingPhase, grant: LedgerGrant): Promise<boolean> {
  try {
    const { kind } = await held.connector.cut(phase, grant, attempt(held));
    return kind !== 'retryable' && kind !== 'needs-human';
  } catch (error) {
    if (Context.current().cancellationSignal.aborted) throw error;
    return false;
  }
}

function attempt(held: HeldConnector): CallContext {
  return {
    signal: AbortSignal.any([Context.current().cancellationSignal, awakeTimeout(held.system.attemptMs)]),
  };
}
