/**
 * Two forms of a value. `exact` is for being trusted: it forgives only what cannot lead elsewhere, so that a look-alike letter,
 * a zero-width space or another encoding is another value. `loose` is for being distrusted: it forgives everything, so that a
 * planted value is found again however it was dressed up.
 */
const invisible = /\p{Cf}|\p{Mn}|\p{Cc}|\u115f|\u1160|\u3164/gu;

export function exact(value: string): string {
  return value.normalize('NFC').trim();
}

/** Letters of other scripts that are drawn like Latin ones; only the common ones, for the loose form alone. */
const drawnAlike: ReadonlyMap<string, string> = new Map(
  [
    ...'аaвbеeкkмmнhоoрpсcтtуyхxіiјjѕsԁdɡgһhԛqԝwΑaΒbΕeΖzΗhΙiΚkΜmΝnΟoΡpΤtΥyΧxαaεeιiοoρpτtυuνvκkøoıiłl'.matchAll(
      /(.)(.)/gu,
    ),
  ].map(([, odd = '', plain = '']) => [odd, plain]),
);

const ascii = /^[\x20-\x7e]*$/;

export function loose(value: string): string {
  return plain(value)
    .replaceAll(/[^\p{L}\p{N}@./]+/gu, '')
    .replaceAll(/^[./]+|[./]+$/g, '');
}

/** Letters as a reader takes them. */
export function plain(value: string): string {
  if (ascii.test(value)) return value.toLowerCase();
  let text = '';
  for (const letter of value.normalize('NFKD').replaceAll(invisible, '').toLowerCase()) {
    text += drawnAlike.get(letter) ?? letter;
  }
  return text;
}

const encodedByte = /(?:%[0-9a-f]{2}|&#x?[0-9a-f]{1,6};|\\u[0-9a-f]{4})/i;
const base64Word = /^[A-Za-z0-9+/_-]{6,2048}={0,2}$/;
const printable = /^[\x20-\x7e\u00a0-\uffff]{4,}$/;

/** What the value says when an encoding around it is taken off; one layer, because each layer is one more guess. */
export function decoded(value: string): readonly string[] {
  const found: string[] = [];
  if (value.length <= 4096 && encodedByte.test(value)) {
    found.push(
      withoutEntities(value)
        .replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
        .replaceAll(/\\u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    );
  }
  if (base64Word.test(value)) {
    const text = fromBase64(value);
    if (printable.test(text)) found.push(text);
  }
  return found;
}

/** `&#55;` is the character it stands for. */
export function withoutEntities(text: string): string {
  if (!text.includes('&#')) return text;
  return text
    .replaceAll(/&#x([0-9a-f]{1,6});/gi, (_, hex: string) => character(Number.parseInt(hex, 16)))
    .replaceAll(/&#([0-9]{1,6});/g, (_, code: string) => character(Number.parseInt(code, 10)));
}

const character = (point: number): string => (point <= 0x10ffff ? String.fromCodePoint(point) : '');

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The realm has no Buffer and no atob: it imports nothing of the platform. */
function fromBase64(value: string): string {
  let bits = 0;
  let held = 0;
  let text = '';
  for (const letter of value.replaceAll('-', '+').replaceAll('_', '/').replaceAll('=', '')) {
    held = ((held << 6) | digits.indexOf(letter)) & 0xffffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    const code = (held >>> bits) & 255;
    if (code < 0x20 || code > 0x7e) return '';
    text += String.fromCharCode(code);
  }
  return text;
}
