import { listKeys } from '../mcp/methods.ts';
import { isRecord } from '../upstream/read-reply.ts';

export interface Outputs {
  /** Each is read for itself: text that is JSON has fields, and two of them side by side would have none. */
  readonly texts: readonly string[];
  /** There is a picture, a sound or a file in it: what stands there is not known, and an agent may read it. */
  readonly unreadable: boolean;
}

const mostTexts = 32;
const mostItems = 40;

/** Everything of a result that an agent can read. */
export function outputsOf(result: Readonly<Record<string, unknown>>): Outputs {
  const { content, structuredContent, isError: _flag, ...rest } = result;
  const parts = Array.isArray(content) ? content : content === undefined ? [] : [content];
  const texts: string[] = [];
  let unreadable = false;
  for (const part of parts) {
    const { text, blind } = readPart(part);
    if (text !== '') texts.push(text);
    unreadable ||= blind;
  }
  if (structuredContent !== undefined) {
    // Spelled out once, however many texts it is compared with: both are the server's to choose.
    const structured = JSON.stringify(structuredContent);
    if (!texts.some((text) => isSame(text, structured))) texts.push(structured);
  }
  texts.push(...restOf(rest));
  unreadable ||= holdsPicture(rest);
  // Beyond the cap all of it is one text, which is prose.
  if (texts.length <= mostTexts) return { texts, unreadable };
  return { texts: [...texts.slice(0, mostTexts - 1), texts.slice(mostTexts - 1).join('\n')], unreadable };
}

const pictures: ReadonlySet<unknown> = new Set(['image', 'audio']);

/** A resource may be a file, and so may what a prompt says, or an upstream's question. */
function holdsPicture(root: unknown): boolean {
  const waiting: unknown[] = [root];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (Array.isArray(value)) for (const one of value) waiting.push(one);
    else if (isRecord(value)) {
      if (typeof value['blob'] === 'string' || (pictures.has(value['type']) && 'data' in value)) return true;
      for (const one of Object.values(value)) waiting.push(one);
    }
  }
  return false;
}

/** Of a list each part is read for itself: all of a long one has more fields than are told apart in one text. */
function restOf(rest: Readonly<Record<string, unknown>>): readonly string[] {
  const parts: string[] = [];
  const others = { ...rest };
  for (const key of Object.values(listKeys)) {
    const items = rest[key];
    if (!Array.isArray(items) || items.length <= mostItems) continue;
    delete others[key];
    for (let at = 0; at < items.length; at += mostItems)
      parts.push(JSON.stringify({ [key]: items.slice(at, at + mostItems) }));
  }
  return Object.keys(others).length === 0 ? parts : [...parts, JSON.stringify(others)];
}

function readPart(part: unknown): { readonly text: string; readonly blind: boolean } {
  if (!isRecord(part)) return { text: JSON.stringify(part) ?? '', blind: false };
  switch (part['type']) {
    case 'text':
      return { text: typeof part['text'] === 'string' ? part['text'] : '', blind: false };
    case 'image':
    case 'audio':
      return { text: '', blind: true };
    case 'resource': {
      const { resource } = part;
      if (!isRecord(resource)) return { text: JSON.stringify(part), blind: false };
      const { blob, text, ...about } = resource;
      return { text: `${typeof text === 'string' ? text : ''}\n${JSON.stringify(about)}`, blind: blob !== undefined };
    }
    default:
      return { text: JSON.stringify(part), blind: false };
  }
}

function isSame(text: string, spelled: string): boolean {
  if (!text.startsWith('{') && !text.startsWith('[')) return false;
  try {
    return JSON.stringify(JSON.parse(text)) === spelled;
  } catch {
    return false;
  }
}
