type Look = (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

export interface FrozenPostgres {
  thaw(): void;
  /**
   * Whoever holds these sessions is dead, and what it had sent over them is never read: a server that thaws would carry it out, dead
   * client or not. At the thaw, before anything else.
   */
  endSessionsOf(applications: RegExp): void;
}

/** Slow, not down: the postmaster and every backend stand still, and their sockets stay open. */
export async function freezePostgres(postmaster: number, look: Look): Promise<FrozenPostgres> {
  const rows = await look('SELECT pid, application_name FROM pg_stat_activity');
  const own = await look('SELECT pg_backend_pid() AS pid');
  const pids = [postmaster, ...[...rows, ...own].map((row) => Number(row['pid']))];
  for (const pid of pids) signal(pid, 'SIGSTOP');
  return {
    thaw: () => {
      for (const pid of pids) signal(pid, 'SIGCONT');
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
