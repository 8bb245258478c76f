/**
 * Whether a call does nothing to the files that it names but write in them. Known by the words for it alone: whatever else a tool is
 * called by, or told to do besides, may let a file out, put another in its place, or open it to others.
 */
import type { FlowCall } from '../call.ts';
import { stem, wordsOfName } from '../language/stem.ts';
import { roleOfName } from './tool-argument.ts';
import { mayAct } from './verb-class.ts';

const stems = (words: string): ReadonlySet<string> => new Set(words.split(' ').map(stem));
const writes = stems(
  'edit update modify change write rewrite append insert add patch replace adjust save create put set',
);
const beside = stems('text block note comment list line string cell file');
const opensIt = stems(
  'permission permissions mode owner ownership access acl visibility public sharing right rights attribute attributes name path location target link symlink',
);
const choosing = /^(?:operations?|op|actions?|method|verb|(?:sub)?command|cmd|mode|type|kind|change_?type)$/i;
const elsewhere = /^(?:from|to|src|source|dest(?:ination)?|target|link|symlink)$/i;
const another =
  /^(?:new|old|dest|destination|rename|renamed|move|moved) ?(?:to|path|name|file|filename|file name|file path|location|dir|folder)?$/;
const flags = stems('delete remove overwrite truncate clear share public publish rename move run execute upload');
/** Where all of it lies, not what is written in. */
const around = /^(?:repo|repository|project|root|base|work|working|workspace)/i;

export function writesIn({ profile, args }: FlowCall): boolean {
  const { families, verb, name } = profile;
  if (!writes.has(verb) || families.length === 0 || families.some((one) => one !== 'change' && one !== 'save'))
    return false;
  if (wordsOfName(name).map(stem).some(isMore)) return false;
  const paths = new Set<string>();
  return (
    everyValue(args, (key, value) => {
      const role = profile.arguments.find((one) => one.name === key)?.role ?? roleOfName(key, profile.tier);
      if (role === 'path' && !around.test(key)) paths.add(key);
      return saysNoMore(key, value);
    }) && paths.size <= 1
  );
}

const isMore = (word: string): boolean =>
  opensIt.has(word) || (mayAct(word) && !writes.has(word) && !beside.has(word)) || word === 'truncat';

function saysNoMore(key: string, value: string): boolean {
  const words = wordsOfName(key);
  if (value !== '' && value !== 'false' && another.test(words.join(' '))) return false;
  if (elsewhere.test(key) && !/\s/.test(value) && !/^\d*$/.test(value)) return false;
  if (/^true$/i.test(value) && words.map(stem).some((word) => flags.has(word))) return false;
  if (!choosing.test(key)) return true;
  return !/^[0-7]{3,4}$/.test(value) && !wordsOfName(value).map(stem).some(isMore);
}

const deepest = 12;

function everyValue(held: unknown, says: (key: string, value: string) => boolean, key = '', depth = 0): boolean {
  if (depth > deepest) return false;
  if (Array.isArray(held)) return held.every((item) => everyValue(item, says, key, depth + 1));
  if (typeof held === 'object' && held !== null)
    return Object.entries(held).every(([name, item]) => everyValue(item, says, name, depth + 1));
  if (held === undefined || held === null) return true;
  return says(key, typeof held === 'string' ? held.trim() : JSON.stringify(held));
}
