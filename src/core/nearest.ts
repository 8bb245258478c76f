/** A word longer than any name of ours was never a slip of one. */
const longest = 80;

/** Of these names the one that was probably meant. None, where none is near, or two are as near: a wrong guess costs more than none. */
export function nearest(word: string, names: Iterable<string>): string | undefined {
  if (word.length > longest) return undefined;
  let best: string | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const name of new Set(names)) {
    if (name === word) return undefined;
    const slips = slipsBetween(plain(word), plain(name));
    if (slips > allowed(word, name) || slips > fewest) continue;
    best = slips === fewest ? undefined : name;
    fewest = slips;
  }
  return best;
}

/** The end of a sentence about a name that is not there. */
export function didYouMean(word: string, names: Iterable<string>): string {
  const meant = nearest(word, names);
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}

const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_.\s]/g, '');
const allowed = (one: string, other: string): number => Math.min(2, Math.floor(Math.max(one.length, other.length) / 3));

/** Letters that are left out, put in, taken for another or swapped with the next. */
function slipsBetween(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > 2) return Number.POSITIVE_INFINITY;
  let [before, row]: [number[], number[]] = [[], Array.from({ length: other.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const same = one[i - 1] === other[j - 1];
      const swapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      const least = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1));
      next.push(swapped ? Math.min(least, (before[j - 2] ?? 0) + 1) : least);
    }
    [before, row] = [row, next];
  }
  return row[other.length] ?? 0;
}
