/**
 * A call of a tool that does one of several things, where the one that was chosen only looks ("operation: list"): it needs no request of
 * its own, as no read does. Nothing else changes for it: the call is of its tool's tier, and every other rule holds.
 */
import type { FlowCall } from '../call.ts';
import { stem, wordsOfName } from '../language/stem.ts';
import { looksPlainly, nounsToo, programWords } from '../language/words.ts';
import { programIn } from '../program/program-in.ts';
import { raisesRights } from '../raises-rights.ts';
import { chosenIn, isChoosing } from './chosen-deed.ts';
import { roleOfName } from './tool-argument.ts';
import { classOf, mayAct } from './verb-class.ts';

const alsoLooks: ReadonlySet<string> = new Set('read show status history count'.split(' '));
/** What is read there is marked as read, and whoever wrote it may be told. */
const isMarked = /mail|message|inbox|notif|alert|chat|thread|conversation|sms/i;
/** Told, not looked for. */
const tells: ReadonlySet<string> = new Set(
  'body content contents text message messages data payload callback callbacks hook hooks notify value values headers form fields variables attachment attachments input stdin price amount on off enable enabled disable disabled force confirm confirmed'.split(
    ' ',
  ),
);
/** What is done as well, or after it. */
const goesOn: ReadonlySet<string> = new Set('then next after afterwards finally also batch steps'.split(' '));

/** Never of a tool that is itself called by a deed: it does that, whatever else it is told. */
export function chosenLook({ profile, args, addresses }: FlowCall): boolean {
  if (addresses !== undefined || classOf(profile.verb) === 'sink' || classOf(profile.verb) === 'local') return false;
  const chosen = chosenIn(args);
  if (chosen.length === 0 || !chosen.every((value) => typeof value === 'string' && isLook(value))) return false;
  if (raisesRights(args)) return false;
  if (isMarked.test(profile.name) && chosen.some((value) => /^read/i.test(String(value)))) return false;
  return Object.entries(args).every(([name, value]) => isChoosing(name) || saysNothing(name, value, 0));
}

function isLook(value: string): boolean {
  if (!/^[a-z][a-z0-9 _-]{1,40}$/i.test(value)) return false;
  const [first = '', ...rest] = wordsOfName(value);
  return (looksPlainly.has(first) || alsoLooks.has(first)) && !rest.some((word) => mayAct(word));
}

/** Beside a look: what is looked for, and nothing that is told, run, reached or done as well. */
function saysNothing(name: string, value: unknown, depth: number): boolean {
  if (value === undefined || value === null || value === false || value === '') return true;
  const words = wordsOfName(name);
  if (depth > 12 || isChoosing(name) || words.some((word) => tells.has(word) || programWords.has(stem(word))))
    return false;
  if (goesOn.has(words[0] ?? '') || isPlainDeed(words[0] ?? '')) return false;
  if (typeof value === 'object' && words.length === 1 && words.some(mayAct)) return false;
  if (roleOfName(name, 'destructive') === 'url' || (value === true && words.some(mayAct))) return false;
  if (Array.isArray(value)) return value.every((item) => saysNothing(name, item, depth + 1));
  if (typeof value === 'object') return Object.entries(value).every(([key, item]) => saysNothing(key, item, depth + 1));
  return typeof value !== 'string' || !(programIn(value) || (!isCalled(words) && isDeed(value)));
}

/** What a thing is called by may be a word for a deed ("name: checkout"), and is none. */
const isCalled = (words: readonly string[]): boolean => /^(?:name|namespace|id|key|slug)$/.test(words.at(-1) ?? '');
/** "type: deployment". */
const becomes = /(?:ments?|tions?)$/i;

function isDeed(value: string): boolean {
  const words = wordsOfName(value.slice(0, 200));
  if (words.length === 1 && becomes.test(value)) return false;
  return words.length <= 3 && classOf(stem(words[0] ?? '')) === 'sink' && !nounsToo.has(stem(words[0] ?? ''));
}

/** "delete: A-1", and not "closed: yes" or "order: id". */
const isPlainDeed = (word: string): boolean =>
  classOf(stem(word)) === 'sink' && !nounsToo.has(stem(word)) && !/(?:ed|s|ing|ings)$/.test(word);
