import { EstopError } from '../../core/errors.ts';

/** What was sealed of a grant. The parser's own error would quote what it could not read. */
export function secretIn(plain: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(plain).toString('utf8'));
  } catch {
    throw new EstopError('sealed-data-invalid');
  }
}
