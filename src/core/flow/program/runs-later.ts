/** What is written into a file and makes it a program, or a program of whoever follows it: wherever it lies, the user names that file. */
const shebang = /^\ufeff?\s*#!\s*\//;
const intoInterpreter =
  /\|\s*(?:sudo\s+(?:-\w+\s+)*)?(?:env\s+)?(?:\/[\w/]{1,80}\/)?(?:(?:ba|z|da|k|fi)?sh|python[\d.]*|node|perl|ruby|php|iex|invoke-expression)\b/gi;
const fetches = /\b(?:curl|wget|fetch|iwr|irm|invoke-webrequest|invoke-restmethod)\b/i;
const evaluated =
  /(?:\b(?:ba|z|da|k)?sh\s+(?:-c\s+)?["']?|\beval\s+["']?|\bsource\s+)(?:<\(|\$\(|`)\s*(?:curl|wget|fetch)\b/i;
/** As far in front of the stroke as one writes an address. */
const longestFetch = 500;
const deepest = 12;
const mostSeen = 10_000;

export function runsLater(args: Readonly<Record<string, unknown>>): boolean {
  let seen = 0;
  const holds = (held: unknown, depth: number): boolean => {
    seen += 1;
    // What is not looked at may be anything.
    if (seen > mostSeen || depth > deepest) return true;
    if (typeof held === 'string') return isProgram(held);
    return typeof held === 'object' && held !== null && Object.values(held).some((item) => holds(item, depth + 1));
  };
  return holds(args, 0);
}

function isProgram(text: string): boolean {
  if (shebang.test(text) || evaluated.test(text)) return true;
  for (const { index } of text.matchAll(intoInterpreter)) {
    const line = text.slice(Math.max(0, index - longestFetch), index);
    if (fetches.test(line.slice(line.lastIndexOf('\n') + 1))) return true;
  }
  return false;
}
