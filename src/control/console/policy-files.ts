import { EstopError } from '../../core/errors.ts';
import type { Fields } from './view.ts';

/** Files of one set by their names. The browser names them; a name twice would be half of a set. */
export function policiesIn(fields: Fields): Readonly<Record<string, string>> | undefined {
  const names = (fields.get('policies:name') ?? []).filter((name) => name !== '');
  const texts = fields.get('policies') ?? [];
  if (names.length === 0) return undefined;
  if (new Set(names).size < names.length || names.length !== texts.length)
    throw new EstopError('invalid-input', {
      fields: [{ pointer: 'policies', message: 'Each file has a name of its own.' }],
    });
  return Object.fromEntries(names.map((name, index) => [name, texts[index] ?? '']));
}
