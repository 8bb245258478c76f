import { connectorPath, drilledConnector } from '../contract/names.ts';
import type { TaskHistoryEntry } from '../store/task-history.ts';

/** Our words around the ledger's data. What has no words yet is shown as its kind, not left out. */
const sentences: Readonly<Record<string, (entry: TaskHistoryEntry) => string>> = {
  'task.registered': ({ about = '' }) => `registered for ${agentName(about)}`,
  'task.closed': ({ note }) => `closed: ${note ?? 'unknown outcome'}`,
  'task.held': ({ note }) => `held${because(note)}`,
  'task.released': ({ note }) => `released${because(note)}`,
  'session.close-asked': () => 'asked to close',
  'child.registered': ({ about, note }) => `started child ${about} of ${note}`,
  'call.admitted': ({ about }) => `call of ${tool(about)} admitted`,
  'call.settled': ({ about, note }) => `call of ${tool(about)}: ${note}`,
  'call.refused': ({ about, note }) => `${tool(about)} refused: ${note}`,
  'approval.requested': ({ about, note }) => `waits for a human to decide ${tool(about)} (${note})`,
  'approval.approved': ({ about, note }) => `${tool(about)} approved${because(note)}`,
  'approval.denied': ({ about, note }) => `${tool(about)} denied${because(note)}`,
  'approval.expired': ({ about }) => `the time to decide or use ${tool(about)} is over`,
  'approval.closed': ({ about, note }) =>
    `approval of ${tool(about)} closed ${note === undefined ? 'with its task' : `by ${note}`}`,
  'grant.intended': ({ about, note }) => `credential "${note}" intended at ${about}`,
  'grant.issued': ({ about, note }) => `credential "${note}" issued at ${about}`,
  'grant.ended': ({ about, note }) => `credential at ${about} ended: ${note ?? 'revoked'}`,
  'grant.cut': ({ about }) => `credential at ${about} cut off`,
  'grant.proved': ({ about, note }) => `credential at ${about} proved dead (${note})`,
  'grant.expired': ({ about }) => `credential at ${about} expired`,
  'grant.accepted-risk': ({ about }) => `risk of the credential at ${about} accepted`,
  'stop.latched': ({ about, note }) => `stopped by ${about}${because(note)}`,
};

export function sentenceOf(entry: TaskHistoryEntry): string {
  const make = Object.hasOwn(sentences, entry.kind) ? sentences[entry.kind] : undefined;
  return (
    make?.(entry) ?? [entry.kind, entry.about, entry.note].filter((part) => part !== undefined && part !== '').join(' ')
  );
}

/** To what the sentence names by an id of ours, or by the name of a connector. */
export function wayTo({ kind, about = '', note = '' }: TaskHistoryEntry): { ref: string; path: string } | null {
  const at = (folder: string, id: string) =>
    id === '' ? null : { ref: id, path: `/${folder}/${encodeURIComponent(id)}` };
  if (kind.startsWith('grant.')) {
    const [connector = ''] = about.split(' ', 1);
    return connector === '' ? null : { ref: connector, path: connectorPath(connector) };
  }
  if (kind === 'child.registered') return at('tasks', about);
  if (kind === 'approval.requested') return at('approvals', note);
  if (kind === 'approval.closed') return note.startsWith('stop_') ? at('stops', note) : null;
  return kind === 'stop.latched' ? at('stops', about) : null;
}

const agentName = (agentId: string): string => {
  const connector = drilledConnector(agentId);
  return connector === undefined ? agentId : `the drill of ${connector}`;
};
const tool = (key: string | undefined): string => (key ?? '').replace(/^tool:/, '');
const because = (note: string | undefined): string => (note === undefined || note === '' ? '' : `: ${note}`);
