/** Rooms that a listing of rooms holds: there already, and nobody's who writes to them. */
import type { FlowCall } from './call.ts';
import { type Draft, mark, mostFields } from './draft.ts';
import type { Rec } from './shape/fields.ts';
import { exactKey, roomKey } from './task-flow.ts';

const names = /^(?:|id_?|name|channel|room)$/i;
const room = /^#?[\p{L}\p{N}_-]{1,80}$/u;

/** Of a read that no text has steered. Whoever names one of those listed has said which: then the others are not known by it. */
export function noteRooms(draft: Draft, { profile }: FlowCall, records: readonly Rec[]): void {
  if (profile.tier !== 'read' || draft.tainted || !/channel|room/i.test(profile.name)) return;
  const { hash, values } = draft.flow;
  const rooms = records
    .flatMap(({ fields }) => fields.filter(({ key, value }) => names.test(key) && room.test(value)))
    .slice(0, mostFields)
    .map(({ value }) => value.replace(/^#/, ''));
  if (rooms.some((name) => values.get(exactKey(hash, name))?.origin === 'request')) return;
  for (const name of rooms) mark(draft, roomKey(hash, name), 'field');
}
