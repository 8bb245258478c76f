/** A definition as lines, each with its place in it, so that a change of one word is one line of a comparison. */
export function definitionLines(definition: string): readonly string[] {
  return linesOf('', JSON.parse(definition));
}

function linesOf(path: string, value: unknown): readonly string[] {
  if (typeof value === 'string') {
    const [first = '', ...others] = value.split('\n');
    return [`${path}: ${first}`, ...others.map((line) => `${path}| ${line}`)];
  }
  if (typeof value !== 'object' || value === null) return [`${path}: ${JSON.stringify(value)}`];
  const entries = Object.entries(value);
  if (entries.length === 0) return [`${path}: ${Array.isArray(value) ? '[]' : '{}'}`];
  return entries.flatMap(([key, held]) => linesOf(path === '' ? key : `${path}.${key}`, held));
}
