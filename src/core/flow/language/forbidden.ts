/**
 * What a request forbids is not asked for, and nothing in it is named: "find a flight, dont book", "clear /tmp but do not touch /srv".
 * Only where it is said plainly, in English: "they don't deliver" forbids nothing. A word that is also said elsewhere stays.
 */
import type { KeyedHash } from '../keyed-hash.ts';
import { stem } from './stem.ts';
import { emptyWords, type Family, localVerbs, readVerbs, sinkVerbs } from './words.ts';

const negation =
  /\b(?:do not|don['’]?t|never|no need to|(?:you )?(?:must|should|may) ?n(?:ot|['’]?t)|i (?:do not|don['’]?t) want (?:you )?to|under no circumstances|in no case)(?:,? (?:ever|under any circumstances|in any case),?)?[*_]{0,3}\s+/gi;
/** "don't forget to send it", "why don't you book it": asked for all the same. */
const asksAfterAll =
  /^(?:forget|hesitate|worry|mind|miss|fail|wait|be|let|think|know|need|have|care|stop|panic|skip|leave|omit|you|we|want|only|merely)\b/i;
/** "don't pay more than 50", "do not send it later than noon": asked for, within bounds. */
const bounds = /\b(?:more|less|fewer|later|earlier|sooner|longer) than\b/i;
/** In front of what a clause begins with. */
const begins =
  /(?:^|[.,;:!?\n()–—]|\n\s{0,8}[-+>•]|^[-+>•]|(?<!\p{L})[*_]{1,3}|\b(?:please|pls|and|but|just|so|or|also|then|though|yet))\s*$/iu;
const clauseEnds =
  /[;!?\n,]|[.:](?:\s|$)|[–—]|\s\b(?:and|but|just|only|unless|until|till|except|before|after|if|because|when|since|so|instead|other than|apart from|aside from|without (?!(?:ask|tell|check|confirm|consult|lett|inform|notify)ing)\p{L}+ing)\b|$/iu;
/** "a.txt, b.txt or /srv", "Bob, Carol and Dave": goes on with what can only be more of the same. */
const oneMore =
  /^(?:,\s{0,3}(?:(?:and|or|nor)\s)?|\s(?:and|or|nor)\s)\s{0,3}((?:[^\s,;]{0,120}[/@][^\s,;]{0,120}|[^\s,;/]{1,80}\.[a-z]\w{0,5}|\p{Lu}\p{Ll}{1,30}(?: \p{Lu}\p{Ll}{1,30}){0,2}))(?=\s*(?:,|;|[.!?](?:\s|$)|\n|$|\s(?:and|or|nor|but)\s))/u;
const mostMore = 50;

const longestLead = 24;
const longestClause = 300;
/** "without paying or booking", "instead of returning it", "change nothing". */
const inPassing =
  /\b(?:without|instead of|rather than)\s+\p{L}+ing\b(?:\s+(?:or|and)\s+\p{L}+ing\b)*|\b\p{L}{2,20} (?:absolutely )?nothing\b/giu;

/** The request with blanks in place of what it forbids, as long as before. */
export function withoutForbidden(request: string): string {
  let kept = '';
  let done = 0;
  for (const match of request.matchAll(negation)) {
    const behind = match.index + match[0].length;
    if (match.index < done || asksAfterAll.test(request.slice(behind, behind + 12))) continue;
    if (!begins.test(request.slice(Math.max(0, match.index - longestLead), match.index))) continue;
    const clause = request.slice(behind, behind + longestClause);
    const length = clauseEnds.exec(clause)?.index ?? clause.length;
    if (bounds.test(clause.slice(0, length))) continue;
    const end = endOfRow(request, behind + length);
    kept += request.slice(done, match.index) + ' '.repeat(end - match.index);
    done = end;
  }
  return (kept + request.slice(done)).replaceAll(inPassing, (text, at: number) =>
    text.startsWith('without') && negated.test(request.slice(Math.max(0, at - longestLead * 4), at))
      ? text
      : ' '.repeat(text.length),
  );
}

/** "don't close it without mailing Ann" asks to mail her. */
const negated = /\b(?:do not|don['’]?t|never)\b[^.,;!?\n]*$/i;

function endOfRow(request: string, from: number): number {
  let end = from;
  for (let items = 0; items < mostMore; items += 1) {
    const match = oneMore.exec(request.slice(end, end + longestClause));
    if (match === null || isDeed(match[1] ?? '')) return end;
    end += match[0].length;
  }
  return end;
}

const isDeed = (text: string): boolean => {
  const first = text.split(' ', 1)[0] ?? '';
  return (
    emptyWords.has(first.toLowerCase()) || [readVerbs, localVerbs, sinkVerbs].some((known) => known.has(stem(first)))
  );
};

/** The other half: what it forbids, with blanks in place of all else. */
export const onlyForbidden = (request: string, without: string): string =>
  Array.from({ length: request.length }, (_, at) => (request[at] === without[at] ? ' ' : request[at])).join('');

/** Under which a task remembers that no one else may ask for it either. */
export const forbiddenKey = (hash: KeyedHash, family: Family): string => hash(`x:${family}`);
