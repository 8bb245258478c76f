type Facts = Readonly<Record<string, unknown>> | null;

const mostOfValue = 120;

/**
 * What changed, a line for each fact: `held: no → yes`. What stayed as it was is left out. The values are whatever people and servers
 * wrote: whoever shows a line escapes it.
 */
export function changeLines(before: Facts, after: Facts): readonly string[] {
  const was = new Map(Object.entries(before ?? {}));
  const is = new Map(Object.entries(after ?? {}));
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((name) => {
    const [one, other] = [valueWords(was.get(name)), valueWords(is.get(name))];
    if (!is.has(name)) return after === null ? [`${name}: ${one} → gone`] : [`${name}: was ${one}`];
    if (!was.has(name)) return [`${name}: ${other}`];
    return one === other ? [] : [`${name}: ${one} → ${other}`];
  });
}

/** Everything else that is said of it. */
export const detailLines = (detail: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.entries(detail).map(([name, value]) => `${name}: ${valueWords(value)}`);

function valueWords(value: unknown): string {
  if (value === true) return 'yes';
  if (value === false) return 'no';
  if (value === null || value === undefined) return 'none';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > mostOfValue ? `${text.slice(0, mostOfValue)}…` : text;
}
