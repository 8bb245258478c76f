import type { Registry } from 'prom-client';
import type { Log } from '../../contract/identity.ts';
import { errorCodeOf } from '../../core/errors.ts';
import { createRegistry } from './create-registry.ts';
import { type MetricsServer, serveMetrics } from './serve-metrics.ts';

export interface Metrics {
  readonly registry: Registry;
  close(): Promise<void>;
}

interface Options {
  readonly processName: string;
  /** ESTOP_METRICS; without it nothing is counted and nothing listens. */
  readonly bind: string | undefined;
  readonly log: Log;
}

/** Never throws: a process that cannot show its figures does its work all the same, and says so. */
export async function openMetrics({ processName, bind, log }: Options): Promise<Metrics | undefined> {
  if (bind === undefined) return undefined;
  const registry = createRegistry(processName);
  let server: MetricsServer | undefined;
  try {
    server = await serveMetrics({ bind, registry });
    log.info({ event: 'metrics.listening', url: `${server.url}/metrics` }, 'figures are shown');
  } catch (thrown) {
    log.error(
      { event: 'metrics.not-shown', bind, code: errorCodeOf(thrown), cause: String(thrown) },
      'figures cannot be shown; everything else works',
    );
  }
  return { registry, close: async () => server?.close() };
}
