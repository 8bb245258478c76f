import { plural } from '../contract/plural.ts';
import type { StopTimelineEntry } from '../store/stop-timeline.ts';

/** Our words around the ledger's data. What has no words yet is shown as its kind, not left out. */
const sentences: Readonly<Record<string, (entry: StopTimelineEntry) => string>> = {
  'stop.latched': ({ about, note }) => `latched (${about})${because(note)}`,
  'stop.fenced': () => 'fenced: no gateway lets a covered call through',
  'stop.halted': ({ about, note }) =>
    note === '0' ? 'halted: no open task was found' : `halted: ${about} of ${plural(Number(note), 'task')} seen closed`,
  'stop.revoked': ({ note }) =>
    note === '0' ? 'revoked: no credential was found' : 'revoked: every credential found was acted on',
  'stop.proved': ({ note }) => `proved (${note ?? 'no evidence'})`,
  'stop.reset': ({ note }) => `reset${because(note)}`,
  'stop.noted': ({ note }) => `note: ${note ?? ''}`,
  'reset.asked': ({ note }) => `asked for the reset of the fleet${because(note)}`,
  'playbook.bound': ({ about }) => `goes on by the playbook ${about}`,
  'playbook.released': ({ about, note }) => `let ${about} go on${because(note)}`,
  'notice.acknowledged': () => 'has seen what was told of it',
  'gateway.confirmed': ({ about }) => `gateway ${about} confirmed`,
  'gateway.expired': ({ about }) => `gateway ${about} counted as fenced by the end of its lease`,
  'lane.cut': ({ about, note }) => `cut at ${about}${note === undefined ? '' : ` (${note})`}`,
  'lane.proved': ({ about, note }) => `the old credential was refused at ${about} (${note})`,
  'lane.expired': ({ about }) => `expired at ${about}`,
  'lane.accepted-risk': ({ about }) => `risk accepted at ${about}`,
  'request.denied': ({ about, note }) => `refused attempt: ${about} (${note})`,
};

export function stopSentenceOf(entry: StopTimelineEntry): string {
  const make = Object.hasOwn(sentences, entry.kind) ? sentences[entry.kind] : undefined;
  return (
    make?.(entry) ?? [entry.kind, entry.about, entry.note].filter((part) => part !== undefined && part !== '').join(' ')
  );
}

const because = (note: string | undefined): string => (note === undefined || note === '' ? '' : `: ${note}`);
