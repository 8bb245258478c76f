import { GatheredBytes } from '../contract/gathered-bytes.ts';
import { EstopError } from '../core/errors.ts';

export const bodyCeilingBytes = 1024 * 1024;
const jsonType = /^application\/json\s*(;\s*charset=utf-8\s*)?$/i;

/** The raw text (for the hash of a repeated request) and its value. Nothing beyond the ceiling is ever held. */
export async function readJson(
  request: Request,
  ceiling = bodyCeilingBytes,
): Promise<{ readonly text: string; readonly value: unknown }> {
  const bytes = await readBounded(request, ceiling);
  if (bytes.length === 0) return { text: '', value: {} };
  if (!jsonType.test(request.headers.get('content-type') ?? '')) throw new EstopError('unsupported-media-type');
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { text, value: JSON.parse(text) };
  } catch {
    // The parser's message repeats the text it stumbled over.
    throw new EstopError('invalid-json');
  }
}

export async function readBounded(request: Request, ceiling = bodyCeilingBytes): Promise<Uint8Array> {
  const tooLarge = new EstopError('body-too-large', { detail: `At most ${ceiling} bytes.` });
  if (Number(request.headers.get('content-length') ?? 0) > ceiling) throw tooLarge;
  if (request.body === null) return new Uint8Array();
  const body = new GatheredBytes();
  for await (const chunk of request.body) {
    body.add(chunk);
    if (body.length > ceiling) throw tooLarge;
  }
  return body.take();
}
