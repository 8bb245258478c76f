import { EstopError } from '../core/errors.ts';

/** An id as one step of a path. An empty one and dots would be steps to another resource, whose answer would then mislead. */
export function pathSegment(id: string): string {
  if (id === '' || id === '.' || id === '..')
    throw new EstopError('invalid-input', { detail: `${JSON.stringify(id)} is not an id.` });
  try {
    return encodeURIComponent(id);
  } catch (cause) {
    throw new EstopError('invalid-input', { detail: 'This is not an id: it is not well-formed Unicode.', cause });
  }
}
