/**
 * What the gate remembers of a task: keyed hashes and labels, never a value in the clear. It grows by deltas, plain JSON that a
 * store appends; all deltas applied in order are the flow again, after a restart or in another process.
 */

import { exact, loose } from './canonical.ts';
import type { Origin, Rule } from './facts.ts';
import { type KeyedHash, type WordHash, wordHash } from './keyed-hash.ts';
import type { Family } from './language/words.ts';
import { isEmail } from './site.ts';

/** [key, origin, call, person]: `person` is the key of the one in whose message it stood. */
export type Mark = readonly [key: string, origin: Origin, call: number, person?: string];
/** request: said by the user; known: in a short field or from a person named; prose: anywhere else. */
export type WordSource = 'request' | 'known' | 'prose';

export interface FlowDelta {
  /** The number of calls observed, this one with it. */
  readonly calls: number;
  readonly values: readonly Mark[];
  readonly words: Readonly<Record<WordSource, readonly number[]>>;
  /** Persons whom the user named, each by the keys of the words of the name. */
  readonly named: readonly (readonly string[])[];
  /** [key of an address, keys of the words of the name it bears, whether the operator vouches for it]. */
  readonly addresses: readonly (readonly [address: string, words: readonly string[], vouched: boolean])[];
  readonly families: readonly Family[];
  /** Families that a named person's message speaks of. */
  readonly widened: readonly (readonly [family: Family, person: string])[];
  readonly verbs: readonly string[];
  readonly labels: readonly string[];
  /** Something lay beyond a cap: what was never seen may have stood there. */
  readonly overflow: boolean;
  /** More addresses than are looked at: that only one bears a name cannot be said any more. */
  readonly crowded: boolean;
}

export interface TaskFlow {
  readonly hash: KeyedHash;
  readonly word: WordHash;
  readonly values: Map<string, { readonly origin: Origin; readonly call: number; readonly person: string | undefined }>;
  readonly words: Readonly<Record<WordSource, Set<number>>>;
  /** A person is the keys of the words of the name, joined. */
  readonly named: Map<string, readonly string[]>;
  /** Word of a name -> the addresses that bear it, and whether the operator vouches for each. */
  readonly bearers: Map<string, Map<string, boolean>>;
  readonly families: Set<Family>;
  readonly widened: Map<Family, Set<string>>;
  readonly verbs: Set<string>;
  readonly labels: Set<string>;
  calls: number;
  overflow: boolean;
  crowded: boolean;
}

/** Words remembered of a whole task; more than that, and what is nowhere may have been anywhere. */
export const mostWords = 40_000;
export const mostValues = 20_000;
const mostNames = 100;

export function emptyFlow(hash: KeyedHash): TaskFlow {
  return {
    hash,
    word: wordHash(hash),
    values: new Map(),
    words: { request: new Set(), known: new Set(), prose: new Set() },
    named: new Map(),
    bearers: new Map(),
    families: new Set(),
    widened: new Map(),
    verbs: new Set(),
    labels: new Set(),
    calls: 0,
    overflow: false,
    crowded: false,
  };
}

export function emptyDelta(calls: number): FlowDelta {
  return {
    calls,
    values: [],
    words: { request: [], known: [], prose: [] },
    named: [],
    addresses: [],
    families: [],
    widened: [],
    verbs: [],
    labels: [],
    overflow: false,
    crowded: false,
  };
}

/** After a restart: the flow is the sum of its deltas. */
export function resumeTaskFlow(hash: KeyedHash, deltas: Iterable<FlowDelta>): TaskFlow {
  const flow = emptyFlow(hash);
  for (const delta of deltas) applyDelta(flow, delta);
  return flow;
}

/** Every delta so far as one, so that a store may fold a long row of them. */
export function foldedDelta(flow: TaskFlow): FlowDelta {
  return {
    calls: flow.calls,
    values: Array.from(
      flow.values,
      ([key, { origin, call, person }]): Mark =>
        person === undefined ? [key, origin, call] : [key, origin, call, person],
    ),
    words: { request: [...flow.words.request], known: [...flow.words.known], prose: [...flow.words.prose] },
    named: [...flow.named.values()],
    addresses: Array.from(flow.bearers, ([word, known]) =>
      Array.from(known, ([address, vouched]) => [address, [word], vouched] as const),
    ).flat(),
    families: [...flow.families],
    widened: Array.from(flow.widened, ([family, people]) =>
      [...people].map((person) => [family, person] as const),
    ).flat(),
    verbs: [...flow.verbs],
    labels: [...flow.labels],
    overflow: flow.overflow,
    crowded: flow.crowded,
  };
}

const strength: readonly Origin[] = [
  'approved',
  'request',
  'own',
  'contact',
  'file',
  'field',
  'person',
  'prose',
  'tainted',
  'nowhere',
];

/** In place: a task of thousands of calls is not copied for each. */
export function applyDelta(flow: TaskFlow, delta: FlowDelta): void {
  flow.calls = Math.max(flow.calls, delta.calls);
  flow.overflow ||= delta.overflow;
  flow.crowded ||= delta.crowded;
  for (const [key, origin, call, person] of delta.values) {
    const before = flow.values.get(key);
    if (before === undefined && flow.values.size >= mostValues) {
      flow.overflow = true;
      continue;
    }
    // Said again, it is said of all that is known by then.
    const isNewer = origin === 'approved' && before?.origin === 'approved' && call > before.call;
    if (before === undefined || isNewer || strength.indexOf(origin) < strength.indexOf(before.origin)) {
      flow.values.set(key, { origin, call, person });
    }
  }
  for (const source of ['request', 'known', 'prose'] as const) {
    const words = flow.words[source];
    for (const word of delta.words[source]) {
      if (words.size < mostWords) words.add(word);
      else flow.overflow = true;
    }
  }
  for (const name of delta.named) if (flow.named.size < mostNames) flow.named.set(personOf(name), name);
  for (const [address, words, vouched] of delta.addresses) {
    for (const word of words) {
      const known = flow.bearers.get(word) ?? new Map<string, boolean>();
      flow.bearers.set(word, known.set(address, vouched || known.get(address) === true));
    }
  }
  for (const family of delta.families) flow.families.add(family);
  for (const [family, person] of delta.widened) {
    flow.widened.set(family, (flow.widened.get(family) ?? new Set()).add(person));
  }
  for (const verb of delta.verbs) flow.verbs.add(verb);
  for (const label of delta.labels) flow.labels.add(label);
}

/** The key under which a value is trusted: only what leads to the same place is the same. */
export function exactKey(hash: KeyedHash, value: string): string {
  const form = exact(value).replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
  return hash(`e:${isEmail(form) ? form : accountForm(form)}`);
}

/** The key under which a value is distrusted: however it was dressed up. */
export const looseKey = (hash: KeyedHash, value: string): string => hash(`l:${loose(value)}`);
export const roomKey = (hash: KeyedHash, room: string): string => hash(`r:${room}`);
/** Of one address, and not of its site. */
export const addressKey = (hash: KeyedHash, url: string): string => hash(`u:${exact(url).replace(/\/+$/, '')}`);
export const siteKey = (hash: KeyedHash, site: string): string => hash(`s:${site}`);
/** Somebody under whose name the agent works, by the argument that says so. */
export const selfKey = (hash: KeyedHash, argument: string, value: string): string =>
  hash(`i:${argument}:${exact(value).toLowerCase()}`);
/** Of a file that is named from some folder or other. */
export const anywhereKey = (hash: KeyedHash, path: string): string => hash(`pa:${path}`);
export const pathKey = (hash: KeyedHash, path: string): string => hash(`p:${path}`);
export const nameKey = (hash: KeyedHash, name: string): string => hash(`n:${name.toLowerCase()}`);
export const answerKey = (hash: KeyedHash, said: 'yes' | 'no', rule: Rule, value: string): string =>
  hash(`a:${said}:${rule}:${value}`);

/** An account number is the same with and without the spaces that print it in groups. */
function accountForm(form: string): string {
  return /^[a-z]{2}\d{2}(?: ?[a-z0-9]{1,4}){2,8}$/.test(form) ? form.replaceAll(' ', '') : form;
}

export const personOf = (name: readonly string[]): string => name.join(' ');

/** The one address of a person whom the user named; two that bear the name are nobody's, unless the operator vouches for one. */
export function uniqueAddress(flow: TaskFlow, person: string): string | undefined {
  const [first, ...others] = (flow.named.get(person) ?? []).map((word) => flow.bearers.get(word));
  if (first === undefined) return undefined;
  const all = [...first].filter(([address]) => others.every((known) => known?.has(address) === true));
  const vouched = all.filter(([, yes]) => yes);
  if (vouched.length === 0 && flow.crowded) return undefined;
  const [only, ...more] = vouched.length > 0 ? vouched : all;
  return more.length === 0 ? only?.[0] : undefined;
}

/** The person, among those named, whose one address this is. */
export function personAt(flow: TaskFlow, address: string): string | undefined {
  for (const person of flow.named.keys()) if (uniqueAddress(flow, person) === address) return person;
  return undefined;
}
