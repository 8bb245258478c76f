/** Paths, folded to one form; one that climbs has none, because where it leads is decided elsewhere. */
export function pathForm(value: string): string | undefined {
  const text = value
    .normalize('NFC')
    .trim()
    .replaceAll('\\', '/')
    .replace(/^file:\/\//i, '');
  if (text === '' || text.length > 4096 || /\p{Cc}|\p{Cf}/u.test(text)) return undefined;
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) return undefined;
  return `/${parts.join('/')}`;
}

/** The path itself and every folder above it but the root. */
export function upwards(path: string): readonly string[] {
  const parts = path.split('/').slice(1);
  return parts.map((_, index) => `/${parts.slice(0, parts.length - index).join('/')}`).slice(0, 64);
}

/** As whoever lives there writes it. */
export const fromHome = (path: string): string => path.replace(/^\/(?:(?:home|Users)\/[^/]+|root)(?=\/)/, '/~');

/** What a person may call a file by who sees it from one of the folders above it; of a folder nothing. */
export function endsOf(path: string): readonly string[] {
  const parts = path.split('/').slice(1);
  if (!isFileName(parts.at(-1) ?? '')) return [];
  return parts.map((_, at) => `/${parts.slice(at).join('/')}`).slice(-64);
}

export function isPathLike(word: string): boolean {
  return (/^[~.]{0,2}\//.test(word) && word.length > 1 && !word.startsWith('//')) || isFileName(word);
}

export function isFileName(word: string): boolean {
  return /^[^/\s]{1,120}\.[a-z][a-z0-9]{0,5}$/i.test(word) && !word.includes('@');
}

const layers = 3;

/** What may have been filled into it: between its separators, and between any signs; also what is written in percent signs, and those again. */
export function addressParts(address: string): readonly string[] {
  const parts = new Set<string>();
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(address)?.[1];
  if (scheme !== undefined) parts.add(scheme);
  let text = address.slice(scheme === undefined ? 0 : scheme.length + 1);
  for (let layer = 0; layer < layers; layer += 1) {
    for (const splitter of [/[/?#&=;,\s]+/, /[^\p{L}\p{N}._-]+/u])
      for (const part of text.split(splitter)) if (part !== '') parts.add(part);
    const plain = withoutPercents(text);
    if (plain === text) break;
    text = plain;
  }
  return [...parts];
}

function withoutPercents(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text.replaceAll(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
}
