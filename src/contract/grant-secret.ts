/**
 * What a connector must keep to cut a grant off, but the agent must never hold (a client's own secret, say), has this prefix in
 * the sealed secret. Whoever hands a credential over hands over the rest.
 */
const keptPrefix = 'kept.';

type SecretFields = Readonly<Record<string, string | number | boolean | null>>;

export function agentPart(secret: SecretFields): SecretFields {
  return Object.fromEntries(Object.entries(secret).filter(([field]) => !field.startsWith(keptPrefix)));
}

export function keptField(name: string): string {
  return `${keptPrefix}${name}`;
}
