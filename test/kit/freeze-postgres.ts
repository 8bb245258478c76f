type Look = (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

export interface FrozenPostgres {
  thaw(): void;
  /**
   * Whoever holds these sessions is dead, and what it had sent over them is never read: a server that thaws would carry it out, dead
   * client or not. At the thaw, before anything else.
   */
  endSessionsOf(applications: RegExp): void;
  /** It thaws without one of its backends, so that it ends all others and recovers from its log. */
  crash(): void;
}

/** Slow, not down: the postmaster and every backend stand still, and their sockets stay open. */
export async function freezePostgres(postmaster: number, look: Look): Promise<FrozenPostgres> {
  const rows = await look('SELECT pid, application_name FROM pg_stat_activity');
  const own = await look('SELECT pg_backend_pid() AS pid');
  const pids = [postmaster, ...[...rows, ...own].map((row) => Number(row['pid']))];
  for (const pid of pids) signal(pid, 'SIGSTOP');
  const thaw = (): void => {
    for (const pid of pids) signal(pid, 'SIGCONT');
  };
  return {
    thaw,
    crash: () => {
      // Of those that stay; whoever has looked here may have gone.
      const one = rows.find((row) => String(row['application_name']).startsWith('estop-'));
      if (one === undefined) throw new Error('nobody of ours is connected');
      process.kill(Number(one['pid']), 'SIGKILL');
      thaw();
    },
    endSessionsOf: (applications) => {
      for (const row of rows)
        if (applications.test(String(row['application_name']))) signal(Number(row['pid']), 'SIGTERM');
    },
  };
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended meanwhile.
  }
}
