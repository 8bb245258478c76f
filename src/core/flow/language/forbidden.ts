/**
 * What a request forbids is not asked for, and nothing in it is named: "find a flight, dont book", "clear /tmp but do not touch /srv".
 * Only where it is said plainly, in English: "they don't deliver" forbids nothing. A word that is also said elsewhere stays.
 */

const negation =
  /\b(?:do not|don['’]?t|never|no need to|(?:you )?(?:must|should|may) ?n(?:o|['’])t|i (?:do not|don['’]?t) want (?:you )?to)\s+/gi;
/** "don't forget to send it", "why don't you book it": asked for all the same. */
const asksAfterAll =
  /^(?:forget|hesitate|worry|mind|miss|fail|wait|be|let|think|know|need|have|care|stop|panic|skip|leave|omit|you|we|want)\b/i;
/** In front of what a clause begins with. */
const begins = /(?:^|[.,;:!?\n(–—]|\b(?:please|pls|and|but|just|so|or|also|then|though|yet))\s*$/i;
const clauseEnds =
  /[;!?\n,]|[.:](?:\s|$)|[–—]|\s\b(?:and|but|just|only|unless|until|till|except|before|after|if|because|when|since|so|instead)\b|$/i;

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
    const end = behind + (clauseEnds.exec(clause)?.index ?? clause.length);
    kept += request.slice(done, match.index) + ' '.repeat(end - match.index);
    done = end;
  }
  return (kept + request.slice(done)).replaceAll(inPassing, (text) => ' '.repeat(text.length));
}
