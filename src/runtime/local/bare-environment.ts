const kept = ['PATH', 'HOME', 'TMPDIR', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH'] as const;

/**
 * What a server that is not ours may know of our environment: enough to run. Secrets that we were given as variables, and
 * variables meant to steer our own clients (PG*, TEMPORAL_*), stay with us.
 */
export function bareEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return Object.fromEntries(kept.map((name) => [name, env[name]]).filter(([, value]) => value !== undefined));
}
