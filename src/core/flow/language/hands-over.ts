/**
 * Whether a request leaves to a source what is to be done: "do it like the guide describes", "the rules are in rules.txt". Who asks
 * what a source says ("summarize what report.txt lists", "what are the steps in x.txt?") wants to be told, and has handed over nothing.
 */
import type { KeyedHash } from '../keyed-hash.ts';

const says =
  '(?:[^.!?\\n]|\\.(?=\\S)){0,60}\\b(?:says?|describe[sd]?|explain(?:s|ed)?|lists?|listed|wants?|asks?|asked|suggest(?:s|ed)?|recommend(?:s|ed)?|written|wrote|noted|needs?|requires?|should get)\\b';
const handsOver = [
  /\b(?:follow(?! ?-?up\b)|(?<!\bthe )following|according to|carry out|work through|go by|stick to|within (?:the|our) rules?)\b/gi,
  new RegExp(`\\b(?:as|like|what|how|whatever|everything)\\b${says}`, 'gi'),
  /\b(?:rules?|steps?|instructions?|procedure|checklist|details|wording|suppliers?|owners?)\b(?:[^.!?\n]|\.(?=\S)){0,40}\b(?:is|are|in|at|on|from|under)\b/gi,
  /\b(?:handle|do(?! (?:i|you|we|they)\b)|treat|process)\b(?:[^.!?\n]|\.(?=\S)){0,40}\b(?:by|per|procedure|checklist|protocol|list)\b/gi,
];
const longestRequest = 8000;
const longestLead = 300;
const mostMatches = 40;

/** Under which a task remembers it. */
export const delegatedKey = (hash: KeyedHash): string => hash('d:delegated');

/** Under which it remembers a room that such a source names: a room, and nobody who bears the same name. */
export const handedRoomKey = (hash: KeyedHash, room: string): string => hash(`d:room:${room}`);

export function isDelegating(request: string): boolean {
  const text = request.slice(0, longestRequest);
  return handsOver.some((pattern) =>
    [...text.matchAll(pattern)].slice(0, mostMatches).some((match) => !isOnlyTold(text, match.index, match[0])),
  );
}

const sentenceEnd = /[.!?](?:\s|$)|\n/g;
const question = /^\W*(?:what|which|who|whose|where|when|why|how|is|are|does|do|did|has|have)\b/i;
/** What is shown, told or passed on is not done; the last such word in front says which it is. */
const deed =
  /\b(?:(?<looks>summar\p{L}*|tell|show|explain|list|read|check|look|see|know|report|translate|quote|extract|compare|count|review|understand|find|outline|recap|paraphrase|remind|print|analy[sz]\p{L}*|verify|say|describe|send|mail|email|e-mail|forward|post|share|copy|what|which|who|where|why|give (?:me|us))|do|does|then|complete|perform|carry|go|make|apply|set|follow|handle|order|book|pay|buy|implement|fix|change|update|cut|run|release|use|file|sort|plan|prepare|register|put|add|create|enter|write|answer|reply|process|treat|keep|act|work)\b/giu;

/** "as" and "like" say how something is done, and "follow" is a deed itself, so only a question makes them something to be told. */
function isOnlyTold(text: string, at: number, found: string): boolean {
  const before = text.slice(Math.max(0, at - longestLead), at);
  const lead = before.slice([...before.matchAll(sentenceEnd)].reduce((_, end) => end.index + end[0].length, 0));
  const rest = text.slice(at, at + longestLead);
  const end = /[.!?](?=\s|$)|\n|$/.exec(rest);
  if (question.test(lead + rest) && end?.[0] === '?') return true;
  if (
    /^(?:as|like|follow|carry|work|go|stick|within)\b/i.test(found) ||
    /\b(?:within|by|per) (?:the |our |his |her |their )?$/i.test(lead)
  )
    return false;
  const last = [...lead.matchAll(deed)].at(-1);
  if (last === undefined) return /^(?:what|how) (?:is|are|does|do|did|was|were)\b/i.test(found);
  return last.groups?.['looks'] !== undefined;
}
