import type { WriteAt } from '../kit/paused-writes.ts';

const ofStop = (column: string): WriteAt => [
  'stop_progress',
  'UPDATE',
  `OLD.${column} IS NULL AND NEW.${column} IS NOT NULL`,
];
const ofLane = (condition: string): WriteAt => ['obligations', 'UPDATE', condition];

/** What the control worker writes on the way of one stop: the table, and what tells this write from others of it. */
export const stopWrites = {
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
} as const satisfies Record<string, WriteAt>;

export type StopWrite = keyof typeof stopWrites;
export const allStopWrites = Object.keys(stopWrites) as readonly StopWrite[]; // of this very object

/** Each belongs to an agent: the row's own, or that of its obligation or stop. */
export const agentOfWrite = `coalesce(wrote ->> 'agent_id',
  (SELECT o.agent_id FROM estop.obligations o WHERE o.obligation_id = wrote ->> 'obligation_id'),
  (SELECT substr(s.scope_key, 7) FROM estop.stops s WHERE s.stop_id = wrote ->> 'stop_id'))`;
