/**
 * Tools that are called by what they show, and say nothing else: "Tasks of a room", "Incoming invoices". What ends in an s may be a thing
 * or a deed ("Boots from the network"), and what comes of something may be one too ("Release of a lock"): only what can be no deed counts.
 */
import { stem, wordsOfName } from '../language/stem.ts';
import { isParticle } from './thing-looked-at.ts';
import { mayAct } from './verb-class.ts';

const of = 'of (?:a|an|the|one|this|each|your|my|all|today|now)\\b';
const openings: readonly RegExp[] = [
  /^(?:the |my |your )?(?:current|today['’]?s|latest|recent|incoming|unread|list of)\b/iu,
  /^(?:what|who) (?:is|are)\b/iu,
  new RegExp(
    `^(?:all |full |my |your |the )?(?:data|date|details|information|fields|contents?|text|status|overview|summary|calendar|history|results?|balance) ${of}`,
    'iu',
  ),
];
/** "Disposes of a file". */
const takesOf = /^(?:dispose|approve|think|consist|rid|strip|relieve|warn|inform|notify|avail|partake)s$/i;
/** Of themselves deeds, whatever they are done to: "Ejects from the drive", "Shutdowns of a server". */
export const deeds =
  /^(?:(?:re)?(?:boot|start)|shutdown|halt|wake|eject|expel|evict|withdraw|swap|mint|burn|stake|unstake|redeem|claim|borrow|lend|spend|bet|bid|gift|payout|drain|cordon|flush|truncate|forget|pin|unpin|detach|attach|flash|blink|play|switch|migrate|redirect|exchange|convert|ship|fax|unfollow|follow|like|signal|launch|deploy|fire|shred|dismiss|drop|wipe|hang|ring|buzz|speak|spin|rotate|rollout|rollback|scrub|reap|prune|rebase|squash|crop|manage|control|operate|configure|handle|steer|page|alert|notification)(?:e?s)?$/i;
const several = new RegExp(`^(?:my |your |the )?(\\p{L}+s) ${of}`, 'iu');
const severalNamed = /^(?:my |your |the )?(\p{L}+s) (?:with|in|from|between|received|by)\b/iu;
const longest = 120;

/** One sentence about a thing, and no word in it or in the name for doing anything. */
export function isOnlyThing(name: readonly string[], description: string): boolean {
  const text = description.trim();
  if (text.length > longest || /[.!?;]\s+\S/.test(text) || !opensWithThing(name, text)) return false;
  const [first = '', ...others] = wordsOfName(text);
  if (name.some((word) => mayAct(word) || isParticle(word)) || [...name, first].some((word) => deeds.test(word)))
    return false;
  return (
    (!mayAct(first) || openings[2]?.test(text) === true) && others.every((word) => !mayAct(word) || isSeveral(word))
  );
}

function opensWithThing(name: readonly string[], text: string): boolean {
  if (openings.some((opening) => opening.test(text))) return true;
  const counted = several.exec(text)?.[1];
  if (counted !== undefined) return !takesOf.test(counted);
  const named = severalNamed.exec(text)?.[1]?.toLowerCase();
  return named !== undefined && name.includes(named);
}

const isSeveral = (word: string): boolean => /[^s]s$/.test(word);

const told = new Set(
  ['mail', 'email', 'message', 'post', 'comment', 'note', 'report', 'contact', 'review', 'order'].map(stem),
);

/** "Mails, newest first", "Messages in the chat": told of what is looked at by a name that says so. */
export function opensWithThings(description: string): boolean {
  const text = description.trim();
  const [, thing = ''] = /^(\p{L}+s)(?:, \p{L}+ first\b| (?:of|in|from|between|received)\b)/iu.exec(text) ?? [];
  return thing !== '' && !/[.!?]\s+\S/.test(text) && (!mayAct(thing) || told.has(stem(thing)));
}
