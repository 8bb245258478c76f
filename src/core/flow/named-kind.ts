/** Kinds of things, by the words that people and tools have for them, and which of them a request names. */
import type { KeyedHash } from './keyed-hash.ts';
import { stem } from './language/stem.ts';
import type { TaskFlow } from './task-flow.ts';

export type Kind = readonly string[];
const kindsOf = (...lists: readonly string[]): readonly Kind[] => lists.map((words) => words.split(' ').map(stem));

export const kinds = kindsOf(
  'mail email message letter newsletter inbox',
  'event meeting appointment calendar invite',
  'file folder document directory photo image picture attachment log',
  'repository repo branch',
  'user account member customer profile',
  'ticket issue task todo reminder',
  'note page article',
  'table row record database column',
  'order booking reservation subscription',
  'payment transfer card transaction beneficiary',
  'contact',
  'channel room',
  'post tweet comment reply review',
);

/** Things that are called by their name, so that to change or to end another is not to touch these. */
export const devices = kindsOf(
  'alarm wake timer clock',
  'wifi wlan wireless network internet',
  'bluetooth',
  'cellular roaming',
  'location gps',
  'light lamp bulb dark bright',
  'unlock door gate garage',
  'thermostat temperature heating warm cold heat cool',
  'blind shutter curtain awning',
  'tv television',
  'fan',
  'speaker music volume',
  'vacuum',
  'washer dryer dishwasher laundry',
);
/** Nothing that is deleted, and yet something else. */
const others = kindsOf('spreadsheet sheet', 'phone computer laptop screen');

const file = stem('file');
/** Remembered of a request that calls one by its name, and has no word for it. */
export const fileKey = (hash: KeyedHash): string => hash('k:file');

export const isSaid = ({ verbs, hash }: TaskFlow, kind: Kind): boolean =>
  kind.some((word) => verbs.has(hash(`v:${word}`))) || (kind.includes(file) && verbs.has(fileKey(hash)));

/** Whether the request names a thing of a kind that is neither a device nor done to one. */
export const namesThing = (flow: TaskFlow): boolean => [...kinds, ...others].some((kind) => isSaid(flow, kind));

/** The tool names some among these, and the request none of them but others. What either does not name makes no difference. */
export function isOtherOf(flow: TaskFlow, among: readonly Kind[], words: readonly string[]): boolean {
  const folded = new Set(words.map(stem));
  const own = among.filter((kind) => kind.some((word) => folded.has(word)));
  if (own.length === 0) return false;
  return (
    !own.some((kind) => isSaid(flow, kind)) && [...kinds, ...devices, ...others].some((kind) => isSaid(flow, kind))
  );
}
