import type { LogLevel, LogMetadata } from '@temporalio/common';
import { type Logger, Runtime } from '@temporalio/worker';
import type { Log } from '../contract/identity.ts';

let isInstalled = false;

/** Before the first connection of a worker process, and once: the runtime is a singleton. Later calls change nothing. */
export function installTemporalRuntime(log: Log, metricsBind?: string): void {
  if (isInstalled) return;
  isInstalled = true;
  try {
    install(log, metricsBind);
  } catch (thrown) {
    if (metricsBind === undefined) throw thrown;
    log.error(
      { event: 'metrics.not-shown', bind: metricsBind, cause: String(thrown) },
      "what Temporal's SDK counts cannot be shown; everything else works",
    );
    install(log, undefined);
  }
}

function install(log: Log, metricsBind: string | undefined): void {
  const metrics = metricsBind === undefined ? {} : { metrics: { prometheus: { bindAddress: metricsBind } } };
  Runtime.install({
    logger: adapt(log),
    // What its Rust core says at lower levels is the daily life of killed tasks, in a format of its own.
    telemetryOptions: {
      logging: { filter: { core: 'ERROR', other: 'ERROR' }, console: { format: 'json' } },
      ...metrics,
    },
    // The process that owns the workers decides when they end.
    shutdownSignals: [],
  });
}

/** pino takes fields first. TRACE is dropped whatever the level: it prints payloads after they were decoded. */
function adapt(log: Log): Logger {
  const write = {
    debug: (message: string, meta?: LogMetadata) => log.debug(meta ?? {}, message),
    info: (message: string, meta?: LogMetadata) => log.info(meta ?? {}, message),
    warn: (message: string, meta?: LogMetadata) => log.warn(meta ?? {}, message),
    error: (message: string, meta?: LogMetadata) => log.error(meta ?? {}, message),
    trace: () => undefined,
  };
  return {
    ...write,
    log: (level: LogLevel, message: string, meta?: LogMetadata) => write[nameOf(level)](message, meta),
  };
}

function nameOf(level: LogLevel): 'trace' | 'debug' | 'info' | 'warn' | 'error' {
  switch (level) {
    case 'TRACE':
      return 'trace';
    case 'DEBUG':
      return 'debug';
    case 'INFO':
      return 'info';
    case 'WARN':
      return 'warn';
    case 'ERROR':
      return 'error';
    default:
      return level satisfies never;
  }
}
