/**
 * A call of a tool that does one of several things, where the one that was chosen only looks ("operation: list"): it needs no request of
 * its own, as no read does. Nothing else changes for it: it is of its tool's tier, and every other rule holds.
 */
import type { FlowCall } from '../call.ts';
import { stem, wordsOfName } from '../language/stem.ts';
import { type Family, looksPlainly } from '../language/words.ts';
import { familiesOfWords, isRelevant } from './family.ts';
import { classOf, mayAct } from './verb-class.ts';

const choosing: ReadonlySet<string> = new Set('operation op action method verb subcommand'.split(' '));
const alsoLooks: ReadonlySet<string> = new Set('read show status history count'.split(' '));

/** Never of a tool that is itself called by a deed: it does that, whatever else it is told. */
export function chosenLook({ profile, args, addresses }: FlowCall): boolean {
  if (addresses !== undefined || classOf(profile.verb) === 'sink' || classOf(profile.verb) === 'local') return false;
  const chosen = chosenIn(args);
  return chosen.length > 0 && chosen.every((value) => typeof value === 'string' && isLook(value));
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

const chosenIn = (args: FlowCall['args']): readonly unknown[] =>
  Object.entries(args).flatMap(([name, value]) =>
    choosing.has(name.toLowerCase().replaceAll(/[^a-z]/g, '')) ? [value] : [],
  );

function isLook(value: string): boolean {
  if (!/^[a-z][a-z0-9 _-]{1,40}$/i.test(value)) return false;
  const [first = '', ...rest] = wordsOfName(value);
  return (looksPlainly.has(first) || alsoLooks.has(first)) && !rest.some((word) => mayAct(word));
}
