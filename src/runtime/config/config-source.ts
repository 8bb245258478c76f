import type { ConfigSource, EstopConfig } from '../../contract/config.ts';
import type { Log } from '../../contract/identity.ts';
import { type ConfigResult, loadConfig, loadConfigOrThrow } from './load-config.ts';
import { watchFile } from './watch-file.ts';

export interface WatchedConfig extends ConfigSource {
  /** Called after the whole new configuration has replaced the old one. */
  onChange(listener: (next: EstopConfig, previous: EstopConfig) => void): void;
  close(): void;
}

/**
 * Holds the configuration of a process and swaps it whole when the file changes. A file that does not parse changes nothing:
 * the old configuration stays in force, and the log says what is wrong with the new one. The environment cannot change.
 */
export function watchConfig(path: string, log: Log): WatchedConfig {
  let current = loadConfigOrThrow(path);
  const listeners: ((next: EstopConfig, previous: EstopConfig) => void)[] = [];
  const reload = (): void => {
    let result: ConfigResult;
    try {
      result = loadConfig(path);
    } catch {
      log.error({ event: 'config.unreadable', path }, 'the configuration cannot be read; the old one stays in force');
      return;
    }
    if (!result.ok) {
      log.error(
        { event: 'config.invalid', faults: result.faults },
        'the configuration is not valid; the old one stays in force',
      );
      return;
    }
    if (isEmpty(result.config) && !isEmpty(current)) {
      log.error(
        { event: 'config.empty', path },
        'the configuration names nothing any more, as if it were being written; the old one stays in force',
      );
      return;
    }
    if (result.config.environment !== current.environment) {
      log.error(
        { event: 'config.environment' },
        'the environment of a running installation cannot change; the old configuration stays in force',
      );
      return;
    }
    const previous = current;
    current = result.config;
    log.info({ event: 'config.reloaded' }, 'the configuration was reloaded');
    for (const listener of listeners) listener(current, previous);
  };
  const close = watchFile(path, reload);
  return {
    current: () => current,
    onChange: (listener) => listeners.push(listener),
    close,
  };
}

/** Without its connectors nothing could be revoked any more. */
function isEmpty({ agents, connectors, toolServers, models }: EstopConfig): boolean {
  return agents.length + connectors.length + toolServers.length + models.length === 0;
}
