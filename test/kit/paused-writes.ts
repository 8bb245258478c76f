import type { Ledger } from '../store/ledger.ts';

/** A write that is worth dying at: its table, the event, and what tells it from others of that table. */
export type WriteAt = readonly [table: string, event: 'INSERT' | 'UPDATE', condition: string];

/** Holds chosen writes of a process between the change and its commit, in the server itself, so that it can be killed right there. */
export interface PausedWrites<Write extends string> {
  /** The next write of this kind under this key stands still. */
  pause(key: string, write: Write): Promise<void>;
  /** How many stand still now. */
  standing(): Promise<number>;
  /** Whoever made it is dead. `landed`: it is committed, and nobody hears of it; `lost`: it never happened. */
  release(key: string, outcome: 'landed' | 'lost'): Promise<void>;
  /** Which were committed, as `key write`. */
  landed(): Promise<readonly string[]>;
}

/**
 * @param keyOf the key of a row, as SQL over `wrote`, which is the row as jsonb
 * @param at where the transaction is more than this one statement, its writer has to be killed in the commit itself
 */
export async function pausedWrites<Write extends string>(
  { sql }: Pick<Ledger, 'sql'>,
  writes: Readonly<Record<Write, WriteAt>>,
  keyOf: string,
  at: 'statement' | 'commit' = 'statement',
): Promise<PausedWrites<Write>> {
  await sql(`CREATE TABLE public.pauses (pause_id serial, key text, write text);
    CREATE TABLE public.landed (key text, write text);
    CREATE FUNCTION public.pause_write() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE
      wrote jsonb := to_jsonb(NEW);
      its_key text := ${keyOf};
      mine integer := (SELECT p.pause_id FROM public.pauses p WHERE p.key = its_key AND p.write = TG_ARGV[0]);
    BEGIN
      IF mine IS NULL THEN RETURN NULL; END IF;
      INSERT INTO public.landed VALUES (its_key, TG_ARGV[0]);
      PERFORM set_config('application_name', 'paused ' || mine, false);
      WHILE EXISTS (SELECT FROM public.pauses p WHERE p.pause_id = mine) LOOP PERFORM pg_sleep(0.02); END LOOP;
      RETURN NULL;
    END $$`);
  for (const [index, [write, [table, event, condition]]] of Object.entries<WriteAt>(writes).entries())
    await sql(
      `CREATE ${at === 'commit' ? 'CONSTRAINT ' : ''}TRIGGER pause_${index} AFTER ${event} ON estop.${table} ${at === 'commit' ? 'DEFERRABLE INITIALLY DEFERRED ' : ''}FOR EACH ROW WHEN (${condition}) EXECUTE FUNCTION public.pause_write('${write}')`,
    );
  const standing = async (key?: string): Promise<readonly number[]> =>
    (
      await sql(
        "SELECT a.pid FROM pg_stat_activity a JOIN public.pauses p ON a.application_name = 'paused ' || p.pause_id WHERE $1::text IS NULL OR p.key = $1",
        [key ?? null],
      )
    ).map(({ pid }) => Number(pid));
  return {
    pause: async (key, write) =>
      void (await sql('INSERT INTO public.pauses (key, write) VALUES ($1, $2)', [key, write])),
    standing: async () => (await standing()).length,
    release: async (key, outcome) => {
      if (outcome === 'lost')
        for (const pid of await standing(key)) {
          // What waits behind it is of the same dead process, and would do what was lost in its place.
          await sql(
            'SELECT pg_terminate_backend(a.pid, 5000) FROM pg_stat_activity a WHERE $1 = ANY (pg_blocking_pids(a.pid))',
            [pid],
          );
          await sql('SELECT pg_terminate_backend($1, 5000)', [pid]);
        }
      await sql('DELETE FROM public.pauses WHERE key = $1', [key]);
    },
    landed: async () =>
      (await sql('SELECT key, write FROM public.landed')).map((row) => `${row['key']} ${row['write']}`),
  };
}
