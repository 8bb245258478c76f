/** What stands in a text, or undefined: an answer that cannot be read is no answer. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
