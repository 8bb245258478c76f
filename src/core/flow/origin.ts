/** Where a value came from, as far as the task's memory knows. */
import { decoded, loose, plain } from './canonical.ts';
import { heldAlone, type Origin } from './facts.ts';
import { delegatedKey, handedRoomKey } from './language/hands-over.ts';
import { folded, littleWords } from './language/spoken.ts';
import { stem } from './language/stem.ts';
import { isOfSeveral } from './namesakes.ts';
import { endsOf, fromHome, pathForm, upwards } from './path-form.ts';
import { partsOf } from './scan.ts';
import { addressOf, siteOf } from './site.ts';
import {
  addressKey,
  anywhereKey,
  exactKey,
  looseKey,
  nameKey,
  pathKey,
  personAt,
  roomKey,
  selfKey,
  siteKey,
  type TaskFlow,
  uniqueAddress,
} from './task-flow.ts';

export interface Found {
  readonly origin: Origin;
  /** The call in whose output it first stood; 0: none. */
  readonly call: number;
}

const nowhere: Found = { origin: 'nowhere', call: 0 };

function at(flow: TaskFlow, key: string): Found | undefined {
  const mark = flow.values.get(key);
  if (mark === undefined) return undefined;
  // What a named person wrote counts only while one address alone bears that name.
  if (mark.origin === 'person' && (mark.person === undefined || uniqueAddress(flow, mark.person) === undefined)) {
    return { origin: 'prose', call: mark.call };
  }
  return mark;
}

/** A value as it stands: trusted under its exact form, distrusted under any form. */
export function originOfValue(flow: TaskFlow, text: string): Found {
  const { hash } = flow;
  const trusted = at(flow, exactKey(hash, text));
  if (trusted !== undefined) return trusted;
  if (loose(text) === '') return unseen(flow);
  for (const form of [text, ...decoded(text)]) {
    const found = at(flow, looseKey(hash, form));
    if (found !== undefined) return found;
  }
  return unseen(flow);
}

/** Where text speaks of it, whatever else gave it. */
export function spokenOf(flow: TaskFlow, text: string): Found | undefined {
  if (flow.overflow) return { origin: 'prose', call: 0 };
  const found = loose(text) === '' ? undefined : at(flow, looseKey(flow.hash, text));
  return found !== undefined && heldAlone('ref', found.origin) ? found : undefined;
}

const unseen = (flow: TaskFlow): Found => (flow.overflow ? { origin: 'prose', call: 0 } : nowhere);

export function originOfParty(flow: TaskFlow, text: string): Found {
  // "#infra" and "@mara" are what the user calls infra and mara.
  const address = addressOf(text).replace(/^[#@](?=[\p{L}\p{N}_])/u, '');
  const found = originOfValue(flow, address);
  if (isNameOfNamed(flow, address)) return { origin: 'request', call: 0 };
  if (found.origin === 'request' || found.origin === 'own' || found.origin === 'file') return found;
  return personAt(flow, exactKey(flow.hash, address)) !== undefined ? { origin: 'contact', call: found.call } : found;
}

/** Neither a person nor an address or a number of somebody. */
const roomOnly = /^(?=.*\p{L})[\p{L}\p{N}_-]{2,80}$/u;

/** A room that a listing holds is no stranger; one that any text speaks of as well is judged like one. */
export function originOfRoom(flow: TaskFlow, text: string): Found {
  const found = originOfParty(flow, text);
  // In which room it is told, whom the user named may say.
  const room = addressOf(text).replace(/^#/, '');
  if (found.origin === 'person' && roomOnly.test(room)) return { origin: 'contact', call: found.call };
  const handed = flow.values.get(handedRoomKey(flow.hash, room));
  if (handed !== undefined && (found.origin === 'nowhere' || found.origin === 'prose')) return handed;
  if (found.origin !== 'field') return found;
  if (!flow.values.has(roomKey(flow.hash, room)) || at(flow, looseKey(flow.hash, room)) !== undefined) return found;
  const said = wordsToCompare(room).map(flow.word);
  return !said.every((word) => flow.words.prose.has(word)) ? { origin: 'contact', call: found.call } : found;
}

const nothing: ReadonlySet<number> = new Set();
/** In front of a name, and no part of it. */
const titles = /^(?:mr|mrs|ms|miss|mx|dr|prof|sir|mme|herr|frau)$/i;
const nameOnly = /^[\p{L}'’.\- ]{2,60}$/u;

/**
 * The full name, or the handle, of somebody whom the user named in full, or by one telling name: "Gesa Thoms" is whom the user
 * calls Ms. Thoms. Never an address, because a name does not say at which host it lies, and never with a word that prose added.
 */
function isNameOfNamed(flow: TaskFlow, text: string): boolean {
  // As it stands: what only looks like the name is not it.
  if (!nameOnly.test(text) || text !== text.normalize('NFKC')) return false;
  const words = partsOf(text).filter((word) => word.length > 1 && !titles.test(word));
  if (words.length === 0 || words.length > 4 || copiedWords(flow, text) > 0) return false;
  // The words of a file that was handed over to are known, and whom it calls so the user did not say.
  if (flow.verbs.has(delegatedKey(flow.hash)) && copiedWords(flow, text, nothing) > 0) return false;
  const keys = new Set(words.map((word) => nameKey(flow.hash, word)));
  return [...flow.named.values()].some(
    (name) =>
      name.every((word) => keys.has(word)) &&
      (name.length > 1 || (words.length <= 2 && !(words.length > 1 && isOfSeveral(flow, name[0] ?? '')))),
  );
}

/** Whose repository it is. A name that is a plain word is remembered as a word alone, and so is each half of "owner/name". */
export function originOfOwner(flow: TaskFlow, text: string): Found {
  const found = originOfValue(flow, text);
  if (flow.values.has(selfKey(flow.hash, 'owner', text))) return { origin: 'own', call: 0 };
  return found.origin === 'nowhere' && copiedWords(flow, text) > 0 ? { origin: 'prose', call: 0 } : found;
}

export function originOfSite(flow: TaskFlow, url: string): Found {
  const site = siteOf(url);
  if (site === undefined) {
    // One of sources is no web address: the user gave it as it stands, or not.
    const whole = at(flow, exactKey(flow.hash, url));
    return whole?.origin === 'request' ? whole : nowhere;
  }
  return at(flow, siteKey(flow.hash, site)) ?? at(flow, addressKey(flow.hash, url)) ?? unseen(flow);
}

/** Under what the user named, or made in this task. */
export function originOfPath(flow: TaskFlow, text: string): Found {
  const path = pathForm(text);
  if (path === undefined || path === '/') return nowhere;
  for (const above of upwards(path)) {
    const found = at(flow, pathKey(flow.hash, above));
    if (found !== undefined && (found.origin === 'request' || above === path)) return found;
  }
  // Whose home, and seen from which folder, the user did not say: text that was read may not say it either.
  const spoken = spokenOf(flow, path) !== undefined;
  for (const above of spoken ? [] : upwards(fromHome(path))) {
    const found = at(flow, pathKey(flow.hash, above));
    if (found?.origin === 'request') return found;
  }
  // "the bill.txt" and "docs/bill.txt" name that file wherever it lies.
  for (const end of endsOf(path).slice(spoken ? -1 : 0)) {
    const named = at(flow, anywhereKey(flow.hash, end));
    if (named?.origin === 'request') return named;
  }
  return originOfValue(flow, text).origin === 'request'
    ? { origin: 'request', call: 0 }
    : { ...originOfValue(flow, text), origin: 'prose' };
}

/** To share "und" or "para" is to share nothing either. */
const joinsElsewhere = new Set(Object.values(littleWords).flatMap((words) => [...words]));
const joining = new Set('a an the of for to and or with in on at by from re fwd fw'.split(' '));

export function wordsToCompare(text: string): readonly string[] {
  return [
    ...new Set(
      partsOf(text)
        .map((part) => part.toLowerCase())
        .filter((part) => !joining.has(part) && !joinsElsewhere.has(folded(part)))
        .map(stem),
    ),
  ];
}

/** Said in most requests, so that to share one is to share nothing. */
const ofTime = new Set(
  'day week month year time date today tomorrow morning evening night hour minute now am pm tag woche monat jahr datum abend stunde dia semana mes ano fecha hora manana jour semaine mois annee heure soir giorno settimana mese anno ora giorni semanas jaar maand week uur avond'
    .split(' ')
    .map(stem),
);

/** A short text: made of the user's words, a whole field, or copied out of prose. */
export function originOfText(flow: TaskFlow, text: string): Found {
  const whole = originOfValue(flow, text);
  if (whole.origin !== 'nowhere' && whole.origin !== 'prose' && whole.origin !== 'tainted') return whole;
  const words = wordsToCompare(text).map(flow.word);
  const telling = wordsToCompare(text)
    .filter((word) => !ofTime.has(word) && !/^\d+$/.test(word))
    .map(flow.word);
  const asked = telling.filter((word) => flow.words.request.has(word));
  // One that is too long to be a word is no word of the user's either.
  if (words.length === 0 && whole.call > 0) return whole;
  if (words.length === 0 || (asked.length > 0 && 3 * asked.length >= telling.length))
    return { origin: 'request', call: 0 };
  if (whole.call > 0) return whole;
  const foreign = words.filter((word) => !flow.words.request.has(word) && !flow.words.known.has(word));
  const copied = copiedWords(flow, text);
  if (foreign.length === 0) return { origin: 'field', call: 0 };
  if (2 * copied >= words.length) return { origin: 'prose', call: whole.call };
  if (asked.length > 0) return { origin: 'request', call: 0 };
  return unseen(flow);
}

/** Of the words that neither the user nor a field gave, those that prose did, however their letters are drawn. */
export function copiedWords(flow: TaskFlow, text: string, known: ReadonlySet<number> = flow.words.known): number {
  const { request, prose } = flow.words;
  return wordsToCompare(text).filter((word) => {
    const drawn = flow.word(word);
    if (request.has(drawn) || known.has(drawn)) return false;
    return prose.has(drawn) || prose.has(flow.word(stem(plain(word))));
  }).length;
}

/** A read whose query was found in prose alone reads what the prose wants read. */
export function isSteered(flow: TaskFlow, text: string): boolean {
  if (/^[\d\s:.,/+TZ-]*$/.test(text) && !/^\d+$/.test(text)) return false;
  const whole = originOfValue(flow, text);
  const isBeyond = whole.origin === 'prose' && whole.call === 0;
  if (whole.origin !== 'nowhere' && !isBeyond)
    return (whole.origin === 'prose' || whole.origin === 'tainted') && !saidByUser(flow, text);
  const words = wordsToCompare(text).map(flow.word);
  if (words.some((word) => flow.words.request.has(word) || flow.words.known.has(word))) return false;
  return isBeyond ? words.length > 0 : words.some((word) => flow.words.prose.has(word));
}

const saidByUser = (flow: TaskFlow, text: string): boolean =>
  wordsToCompare(text).some((word) => flow.words.request.has(flow.word(word)));
