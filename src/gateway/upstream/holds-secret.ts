/** Shorter than any credential that protects something; text that happens to hold it would be refused without a reason. */
const shortest = 6;

/**
 * Whether a message says our own credential back to us, in any of its texts or names. What holds one is passed on to nobody. Not
 * protected: an upstream that means harm writes it in other letters. It has that credential anyway.
 */
export function holdsSecret(message: unknown, secrets: readonly string[]): boolean {
  const wanted = secrets.filter((secret) => secret.length >= shortest);
  if (wanted.length === 0) return false;
  const waiting: unknown[] = [message];
  const holds = (text: string): boolean => wanted.some((secret) => text.includes(secret));
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value === 'string') {
      if (holds(value)) return true;
    } else if (Array.isArray(value)) for (const member of value) waiting.push(member);
    else if (typeof value === 'object' && value !== null)
      for (const [name, member] of Object.entries(value)) {
        if (holds(name)) return true;
        waiting.push(member);
      }
  }
  return false;
}

/** The part of Authorization headers that must not come back. */
export const secretsIn = (...authorizations: readonly (string | undefined)[]): readonly string[] =>
  authorizations.flatMap((authorization) => authorization?.replace(/^Bearer /, '') ?? []);
