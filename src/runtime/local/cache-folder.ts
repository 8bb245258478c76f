import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where what is costly to get is kept, outside node_modules, so that a new install does not lose it. */
export function cacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(base, 'estop');
}

export function makeCacheFolder(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o755 });
  return path;
}
