import type { SelfCheck } from '../connectors/kit/contract.ts';
import type { Log } from '../contract/identity.ts';
import { EstopError, errorCodeOf } from '../core/errors.ts';
import { noteConnectorCheck } from '../store/connector-checks.ts';
import type { Store } from '../store/pool.ts';
import type { ConnectorSource } from './create-control.ts';

interface ChecksOptions {
  readonly store: Store;
  readonly connectors: ConnectorSource;
  readonly log: Log;
  readonly everyMs?: number;
  readonly patienceMs?: number;
}

/**
 * Asks every connector whether it could cut off now, and writes down what it said: better by day than in the middle of a stop. Each in its
 * own time; one that hangs is one that cannot cut off, and holds up no other.
 */
export function startConnectorChecks(options: ChecksOptions): { close(): Promise<void> } {
  const { store, connectors, log, everyMs = 60_000, patienceMs = 10_000 } = options;
  const closing = new AbortController();
  const asking = new Map<string, Promise<void>>();

  const check = async (connectorId: string): Promise<void> => {
    const begun = performance.now();
    const answer = await ask(
      connectors,
      connectorId,
      AbortSignal.any([closing.signal, AbortSignal.timeout(patienceMs)]),
    );
    if (closing.signal.aborted) return;
    const system = connectors.system(connectorId)?.system ?? 'unknown';
    await noteConnectorCheck(store, { connectorId, system, ...answer, tookMs: performance.now() - begun });
  };
  const round = (): void => {
    for (const connectorId of connectors.ids()) {
      if (asking.has(connectorId)) continue;
      const asked = check(connectorId)
        .catch((thrown: unknown) =>
          log.warn(
            { event: 'connector.check-lost', connectorId, code: errorCodeOf(thrown) },
            'the answer of a connector could not be written down',
          ),
        )
        .finally(() => asking.delete(connectorId));
      asking.set(connectorId, asked);
    }
  };
  round();
  const timer = setInterval(round, everyMs);
  timer.unref();
  return {
    close: async () => {
      clearInterval(timer);
      closing.abort();
      await Promise.all(asking.values());
    },
  };
}

async function ask(connectors: ConnectorSource, connectorId: string, signal: AbortSignal): Promise<SelfCheck> {
  const late = new Promise<SelfCheck>((resolve) => {
    signal.addEventListener('abort', () => resolve({ ok: false, findings: ['It did not answer in time.'] }), {
      once: true,
    });
  });
  try {
    return await Promise.race([connectors.get(connectorId).connector.selfCheck({ signal }), late]);
  } catch (thrown) {
    // Of this very process: a connector that could not be built. Its words are ours.
    const why = thrown instanceof EstopError ? (thrown.detail ?? thrown.code) : 'It could not be asked.';
    return { ok: false, findings: [why] };
  }
}
