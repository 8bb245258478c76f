import type { Ledger } from '../store/ledger.ts';

const ofStop = (column: string) => ['stop_progress', 'UPDATE', `OLD.${column} IS NULL AND NEW.${column} IS NOT NULL`];
const ofLane = (condition: string) => ['obligations', 'UPDATE', condition];

/** What the control worker writes on the way of one stop: the table, and what tells this write from others of it. */
const writes = {
  'its first sight': ['stop_progress', 'INSERT', 'true'],
  'its fence': ofStop('fenced_at'),
  'its halt': ofStop('halted_at'),
  'that all is revoked': ofStop('revoked_at'),
  'its proof': ofStop('proved_at'),
  'its first sweep': ['stop_progress', 'UPDATE', 'OLD.sweeps_done = 0 AND NEW.sweeps_done = 1'],
  'the close of its task': ['tasks', 'UPDATE', "OLD.state <> 'closed' AND NEW.state = 'closed'"],
  'its obligation': ['obligations', 'INSERT', 'true'],
  'the beginning of a phase': ['obligation_phases', 'INSERT', "NEW.phase = 'fence'"],
  'the end of a phase': ['obligation_phases', 'UPDATE', "NEW.phase = 'fence' AND NEW.done_at IS NOT NULL"],
  'the cut of its lane': ofLane('OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL'),
  'the proof of its lane': ofLane("OLD.state = 'open' AND NEW.state = 'proved'"),
  'the last proof of its lane': ofLane('OLD.final_at IS NULL AND NEW.final_at IS NOT NULL'),
  'the wipe of its grant': ['grants', 'UPDATE', "OLD.state <> 'ended' AND NEW.state = 'ended'"],
} as const satisfies Record<string, readonly string[]>;

export type Write = keyof typeof writes;
export const allWrites = Object.keys(writes) as readonly Write[]; // of this very object

/** Holds chosen writes of the control worker between the change and its commit, in the server itself, so that it can be killed right there. */
export interface PausedWrites {
  /** The next write of this kind for this agent stands still. */
  pause(agentId: string, write: Write): Promise<void>;
  /** How many stand still now. */
  standing(): Promise<number>;
  /** Whoever made it is dead. `landed`: it is committed, and nobody hears of it; `lost`: it never happened. */
  release(agentId: string, outcome: 'landed' | 'lost'): Promise<void>;
  /** Which were committed, as `agent write`. */
  landed(): Promise<readonly string[]>;
}

export async function pausedWrites({ sql }: Pick<Ledger, 'sql'>): Promise<PausedWrites> {
  await sql(`CREATE TABLE public.pauses (pause_id serial, agent_id text, write text);
    CREATE TABLE public.landed (agent_id text, write text);
    CREATE FUNCTION public.pause_write() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE
      wrote jsonb := to_jsonb(NEW);
      agent text := coalesce(wrote ->> 'agent_id',
        (SELECT o.agent_id FROM estop.obligations o WHERE o.obligation_id = wrote ->> 'obligation_id'),
        (SELECT substr(s.scope_key, 7) FROM estop.stops s WHERE s.stop_id = wrote ->> 'stop_id'));
      mine integer := (SELECT p.pause_id FROM public.pauses p WHERE p.agent_id = agent AND p.write = TG_ARGV[0]);
    BEGIN
      IF mine IS NULL THEN RETURN NULL; END IF;
      INSERT INTO public.landed VALUES (agent, TG_ARGV[0]);
      PERFORM set_config('application_name', 'paused ' || mine, false);
      WHILE EXISTS (SELECT FROM public.pauses p WHERE p.pause_id = mine) LOOP PERFORM pg_sleep(0.02); END LOOP;
      RETURN NULL;
    END $$`);
  for (const [index, [write, [table, event, condition]]] of Object.entries(writes).entries())
    await sql(
      `CREATE TRIGGER pause_${index} AFTER ${event} ON estop.${table} FOR EACH ROW WHEN (${condition}) EXECUTE FUNCTION public.pause_write('${write}')`,
    );
  const standing = async (agentId?: string): Promise<readonly number[]> =>
    (
      await sql(
        "SELECT a.pid FROM pg_stat_activity a JOIN public.pauses p ON a.application_name = 'paused ' || p.pause_id WHERE $1::text IS NULL OR p.agent_id = $1",
        [agentId ?? null],
      )
    ).map(({ pid }) => Number(pid));
  return {
    pause: async (agentId, write) =>
      void (await sql('INSERT INTO public.pauses (agent_id, write) VALUES ($1, $2)', [agentId, write])),
    standing: async () => (await standing()).length,
    release: async (agentId, outcome) => {
      if (outcome === 'lost')
        for (const pid of await standing(agentId)) await sql('SELECT pg_terminate_backend($1, 5000)', [pid]);
      await sql('DELETE FROM public.pauses WHERE agent_id = $1', [agentId]);
    },
    landed: async () =>
      (await sql('SELECT agent_id, write FROM public.landed')).map((row) => `${row['agent_id']} ${row['write']}`),
  };
}
