import { EstopError } from '../../core/errors.ts';
import { readBounded } from '../read-json.ts';
import type { Fields } from './view.ts';

/** The longest that any form without files is: an approval's reason, a few names. */
const mostBytes = 64 * 1024;
const mostFields = 300;

/** Of a form, as browsers send one. Nothing beyond the ceiling is held. */
export async function readFields(request: Request): Promise<Fields> {
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) throw new EstopError('unsupported-media-type');
  const bytes = await readBounded(request, mostBytes);
  return gathered(new URLSearchParams(Buffer.from(bytes).toString('utf8')));
}

/** The same of a form with files, as large as any body: their texts, each with its name beside it. */
export async function readFilesToo(request: Request): Promise<Fields> {
  const type = request.headers.get('content-type') ?? '';
  if (!/^multipart\/form-data\s*;/i.test(type)) throw new EstopError('unsupported-media-type');
  const bytes = await readBounded(request);
  const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } })
    .formData()
    .catch(() => undefined);
  if (form === undefined) throw new EstopError('invalid-input', { detail: 'The form cannot be read.' });
  const texts: [string, string][] = [];
  for (const [name, value] of form) {
    if (typeof value === 'string') texts.push([name, value]);
    else texts.push([name, await textOf(value, name)], [`${name}:name`, value.name]);
  }
  return gathered(texts);
}

function gathered(pairs: Iterable<readonly [string, string]>): Fields {
  const fields = new Map<string, string[]>();
  let count = 0;
  for (const [name, value] of pairs) {
    count += 1;
    if (count > mostFields) throw new EstopError('body-too-large', { detail: `At most ${mostFields} fields.` });
    fields.set(name, [...(fields.get(name) ?? []), value]);
  }
  return fields;
}

async function textOf(file: Blob, name: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    throw new EstopError('invalid-input', { fields: [{ pointer: name, message: 'This file is not text.' }] });
  }
}
