import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { homeFolder } from '../home-folder.ts';

/** Where what is costly to get is kept, outside node_modules, so that a new install does not lose it. */
export function cacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME'] || join(homeFolder(), '.cache');
  return join(base, 'estop');
}

export function makeCacheFolder(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o755 });
  return path;
}
