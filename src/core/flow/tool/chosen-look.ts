/**
 * A call of a tool that does one of several things, where the one that was chosen only looks ("operation: list"): it needs no request of
 * its own, as no read does. And where the tool's own name says nothing of what it does, what was chosen is what must have been asked for.
 * Nothing else changes for either: the call is of its tool's tier, and every other rule holds.
 */
import type { FlowCall } from '../call.ts';
import { stem, wordsOfName } from '../language/stem.ts';
import { type Family, looksPlainly, nounsToo, programWords } from '../language/words.ts';
import { familiesOfWords, isRelevant } from './family.ts';
import { roleOfName } from './tool-argument.ts';
import { classOf, mayAct } from './verb-class.ts';

const choosing: ReadonlySet<string> = new Set('operation op action method verb subcommand'.split(' '));
const alsoLooks: ReadonlySet<string> = new Set('read show status history count'.split(' '));
/** What is read there is marked as read, and whoever wrote it may be told. */
const isMarked = /mail|message|inbox|notif|alert|chat|thread|conversation|sms/i;
/** Told, not looked for. */
const tells: ReadonlySet<string> = new Set(
  'body content contents text message messages data payload value values headers form fields variables attachment attachments input stdin price amount on off enable enabled disable disabled force confirm confirmed'.split(
    ' ',
  ),
);
/** A program, in whatever argument it stands. */
const program =
  /[;{}`]|\$\(|\b(?:insert\s+into|delete\s+from|drop|alter|truncate|update\s[^;]{0,200}\bset|mutation|grant|create)\b/i;

/** Never of a tool that is itself called by a deed: it does that, whatever else it is told. */
export function chosenLook({ profile, args, addresses }: FlowCall): boolean {
  if (addresses !== undefined || classOf(profile.verb) === 'sink' || classOf(profile.verb) === 'local') return false;
  const chosen = chosenIn(args);
  if (chosen.length === 0 || !chosen.every((value) => typeof value === 'string' && isLook(value))) return false;
  if (isMarked.test(profile.name) && chosen.some((value) => /^read/i.test(String(value)))) return false;
  return Object.entries(args).every(([name, value]) => isChoosing(name) || saysNothing(name, value, 0));
}

/** Of a tool whose own name says nothing: all that it is told to do was asked for. */
export function chosenAsAsked({ args }: FlowCall, asked: readonly Family[]): boolean {
  const chosen = chosenIn(args);
  return (
    chosen.length > 0 &&
    chosen.every(
      (value) => typeof value === 'string' && isRelevant(familiesOfWords(wordsOfName(value).map(stem)), asked, []),
    )
  );
}

const isChoosing = (name: string): boolean => choosing.has(name.toLowerCase().replaceAll(/[^a-z]/g, ''));
const chosenIn = (args: FlowCall['args']): readonly unknown[] =>
  Object.entries(args).flatMap(([name, value]) => (isChoosing(name) ? [value] : []));

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
  if (roleOfName(name, 'destructive') === 'url' || (value === true && words.some(mayAct))) return false;
  if (Array.isArray(value)) return value.every((item) => saysNothing(name, item, depth + 1));
  if (typeof value === 'object') return Object.entries(value).every(([key, item]) => saysNothing(key, item, depth + 1));
  return typeof value !== 'string' || !(program.test(value) || isDeed(value));
}

function isDeed(value: string): boolean {
  const words = wordsOfName(value);
  const first = words[0] ?? '';
  return words.length <= 3 && classOf(stem(first)) === 'sink' && !nounsToo.has(stem(first));
}
