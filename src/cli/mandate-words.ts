import type { Person } from '../contract/http/people.ts';

/** `operator`, `operator over team=payments`. */
export function mandateWords({ role, labels }: Person['mandates'][number]): string {
  const pairs = Object.entries(labels ?? {}).map(([name, value]) => `${name}=${value}`);
  return pairs.length === 0 ? role : `${role} over ${pairs.join(', ')}`;
}
