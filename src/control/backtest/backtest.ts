import type { PolicyTest } from '../../contract/http/policies.ts';
import { EstopError } from '../../core/errors.ts';
import type { ControlDeps } from '../deps.ts';
import type { BacktestOrder } from './order.ts';
import { runInThread, type ThreadBounds, type ThreadOutcome } from './run-in-thread.ts';

export const backtestLimits = { calls: 5_000, patienceMs: 10_000 } as const;

let isRunning = false;

/** One at a time in a process: what it takes of the machine is bounded, whoever asks and however often. */
export async function backtestOnce(
  deps: ControlDeps,
  order: Omit<BacktestOrder, 'config' | 'mostCalls'>,
  bounds: ThreadBounds,
): Promise<PolicyTest> {
  if (isRunning)
    throw new EstopError('conflict', { detail: 'Another backtest is running here. Try again in a few seconds.' });
  const { environment, toolServers, models } = deps.config.current();
  const config = {
    environment,
    // Nothing else of a server: where its credentials lie is no business of a thread that reads what somebody handed in.
    toolServers: toolServers.map(({ serverId, tiers = {}, labels = {}, roles = {} }) => ({
      serverId,
      tiers,
      labels,
      roles,
    })),
    models: models.map(({ modelId, provider }) => ({ modelId, provider })),
  };
  isRunning = true;
  try {
    return told(deps, await runInThread({ ...order, config, mostCalls: backtestLimits.calls }, bounds), bounds);
  } finally {
    isRunning = false;
  }
}

function told(deps: ControlDeps, outcome: ThreadOutcome, { patienceMs }: ThreadBounds): PolicyTest {
  const elsewhere = 'Hand in fewer runs, or use estop policy test in a terminal, which has no such limit.';
  switch (outcome.kind) {
    case 'decided': {
      const { version, counts, items, unjudged } = outcome;
      return { version, counts, items: [...items].map(shown), unjudged: [...unjudged] };
    }
    case 'not-valid':
      throw new EstopError('invalid-input', {
        detail: 'The policies are not valid.',
        fields: outcome.faults.slice(0, 50).map(({ file, policy, message }) => ({
          pointer: `/files/${file}${policy === undefined ? '' : `#${policy}`}`,
          message,
        })),
      });
    case 'not-read':
      throw new EstopError('invalid-input', { detail: outcome.detail });
    case 'too-many':
      throw new EstopError('limit-exceeded', { detail: `At most ${outcome.mostCalls} calls. ${elsewhere}` });
    case 'out-of-time':
      throw new EstopError('limit-exceeded', { detail: `It took longer than ${patienceMs / 1_000} s. ${elsewhere}` });
    case 'out-of-memory':
      throw new EstopError('limit-exceeded', { detail: `It took too much memory. ${elsewhere}` });
    case 'failed':
      deps.log.error({ event: 'backtest.failed', why: outcome.detail }, 'a backtest failed');
      throw new EstopError('internal');
  }
}

const shown = ({
  run,
  decisions,
  reasons,
}: {
  readonly run: string;
  readonly decisions: readonly ('allow' | 'ask' | 'deny')[];
  readonly reasons: readonly string[];
}) => ({
  run,
  decisions: [...decisions],
  reasons: [...reasons],
});
