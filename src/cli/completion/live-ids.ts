import { createEstop, type Estop } from '../../sdk/index.ts';
import type { Connection } from '../connection.ts';
import { httpSend } from '../http-send.ts';
import type { LiveKind } from './live-kinds.ts';

/** Somebody is typing. */
const patienceMs = 300;
const most = 100;
/** Whatever the other end says: nothing that a shell would take for its own, and nothing that looks like an option. */
const plain = /^[a-z0-9][a-z0-9_.-]{0,127}$/i;

/** What there is just now, and nothing at all where nobody answers at once. */
export async function liveIds({ controlUrl, stopUrl, token }: Connection, kind: LiveKind): Promise<readonly string[]> {
  if (token === undefined) return [];
  const estop = createEstop({ controlUrl, stopUrl, token, send: httpSend, timeoutMs: patienceMs, attempts: 1 });
  return (await namesOf(estop, kind)).filter((name) => plain.test(name));
}

async function namesOf(estop: Estop, kind: LiveKind): Promise<readonly string[]> {
  switch (kind) {
    case 'agent':
      return (await estop.agents.list()).items.map(({ agentId }) => agentId);
    case 'task':
      return (await estop.tasks.list({ state: 'open', limit: most })).items.map(({ taskId }) => taskId);
    case 'stop':
      return (await estop.stops.list({ inForce: true, limit: most })).items.map(({ stopId }) => stopId);
    case 'approval':
      return (await estop.approvals.list({ state: 'pending', limit: most })).items.map(({ approvalId }) => approvalId);
  }
}
