import { parseScopeKey } from '../core/scope-key.ts';

/** `label:team=billing` as the pair it is. */
export function labelsOf(keys: readonly string[]): Record<string, string> {
  const pairs = keys.map((key) => (parseScopeKey(key)?.value ?? '').split('='));
  return Object.fromEntries(pairs.map(([name = '', value = '']) => [name, value]));
}
