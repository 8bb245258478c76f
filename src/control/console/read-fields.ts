import { EstopError } from '../../core/errors.ts';
import type { Fields } from './view.ts';

/** The longest that any form of ours is: an approval's reason, a few names. */
const mostBytes = 64 * 1024;
const mostFields = 300;

/** Of a form, as browsers send one. Nothing beyond the ceiling is held. */
export async function readFields(request: Request): Promise<Fields> {
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) throw new EstopError('unsupported-media-type');
  const tooLarge = new EstopError('body-too-large', { detail: `At most ${mostBytes} bytes.` });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > mostBytes) throw tooLarge;
    chunks.push(chunk);
  }
  const fields = new Map<string, string[]>();
  let count = 0;
  for (const [name, value] of new URLSearchParams(Buffer.concat(chunks).toString('utf8'))) {
    count += 1;
    if (count > mostFields) throw tooLarge;
    fields.set(name, [...(fields.get(name) ?? []), value]);
  }
  return fields;
}
