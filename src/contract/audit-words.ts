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
  const text = typeof value === 'string' ? value.replace(instant, '$1 $2Z') : structureWords(value);
  return text.length > mostOfValue ? `${text.slice(0, mostOfValue)}…` : text;
}

/** As people write times; the fractions are in the export. */
const instant = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)$/;

/** A list of names, and of what stands by its one name alone, without the marks that machines need. */
function structureWords(value: unknown): string {
  if (!Array.isArray(value) || value.length === 0) return JSON.stringify(value);
  const names = value.map((one: unknown) => (typeof one === 'string' ? one : onlyValueOf(one)));
  return names.every((one) => one !== undefined) ? names.join(', ') : JSON.stringify(value);
}

function onlyValueOf(one: unknown): string | undefined {
  const [value, ...more]: unknown[] = Object.values(Object(one));
  return more.length === 0 && typeof value === 'string' ? value : undefined;
}
