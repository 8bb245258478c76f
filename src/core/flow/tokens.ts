/** What stands between spaces, quotes and brackets. By hand and not by a pattern, which makes an object for each of 100,000 letters. */

const signs = new Set(Array.from('"\'`<>,;()[]{}|=*', (sign) => sign.charCodeAt(0)));
const ascii = Uint8Array.from({ length: 128 }, (_, code) =>
  signs.has(code) || /\s/.test(String.fromCharCode(code)) ? 1 : 0,
);
/** What else is white space to a pattern's `\s` (ECMA-262, WhiteSpace and LineTerminator). */
const wide = /\s/;
const endsToken = (code: number): boolean => (code < 128 ? ascii[code] === 1 : wide.test(String.fromCharCode(code)));

/** Hands each over in its order, until `take` says that it wants no more. */
export function eachToken(text: string, take: (token: string) => boolean): void {
  let from = -1;
  for (let at = 0; at < text.length; at += 1) {
    const ends = endsToken(text.charCodeAt(at));
    if (!ends && from < 0) from = at;
    if (!ends || from < 0) continue;
    if (!take(text.slice(from, at))) return;
    from = -1;
  }
  if (from >= 0) take(text.slice(from));
}
