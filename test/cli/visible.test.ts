import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderFields, renderTable } from '../../src/cli/table.ts';
import { visible, visibleLines, visibleShort } from '../../src/cli/visible.ts';
import { findUnprintable } from '../../src/contract/printable.ts';
import { requiresData } from '../kit/requires.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
  fc.constantFrom(
    '\u001b[2J',
    '\u009b31m',
    '\u001b]8;;https://x\u0007click\u001b]8;;\u0007',
    '\u001b]52;c;AAAA\u0007',
    'a\rb',
    '\u202egnp.exe',
    'a\u200bb',
    '\u{e0041}',
    '\u001b[1A\u001b[2K',
  ),
);
const isRaw = (text: string): boolean =>
  /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/.test(text) ||
  /[\u{e0000}-\u{e0fff}]/u.test(text);

describe('text from elsewhere on a terminal', () => {
  it('never carries a character that acts or hides', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(isRaw(visible(text))).toBe(false);
        expect(findUnprintable(visible(text))).toBeUndefined();
        for (const line of visibleLines(text)) expect(isRaw(line)).toBe(false);
        expect(isRaw(visibleShort(text, 10))).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it('leaves what a reader sees as it is', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'abcXYZ 0123-_./:=äßñ漢字🙂"\\<>') }),
        (text) => visible(text) === text,
      ),
    );
  });

  it('loses nothing: what was hidden is named in its place', () => {
    expect(visible('pay\u202e 01\u001b[8m€\u00a0')).toBe('pay<U+202E> 01<U+001B>[8m€\u00a0');
    expect(visible('a\r\nb\tc')).toBe('a<U+000D><U+000A>b<U+0009>c');
    expect(visible('\ud800')).toBe('<U+D800>');
  });

  it('keeps lines as lines, and a lone carriage return is none', () => {
    expect(visibleLines('a\nb\rc\r\nd')).toEqual(['a', 'b<U+000D>c<U+000D>', 'd']);
  });

  it('is cut only with a mark, and never in the middle of a character', () => {
    expect(visibleShort('🙂🙂🙂🙂', 3)).toBe('🙂🙂…');
    expect(visibleShort('abc', 3)).toBe('abc');
  });

  it('in tables and fields goes the same way, and one row stays one line', () => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1, maxLength: 5 }), (cells) => {
        const lines = renderTable(
          [
            { title: 'a', cell: (row: string) => row },
            { title: 'b', cell: () => 'x' },
          ],
          cells,
        );
        expect(lines).toHaveLength(cells.length + 1);
        for (const line of [...lines, ...renderFields(cells.map((cell) => ['label', cell] as const))])
          expect(isRaw(line)).toBe(false);
      }),
    );
  });
});

const blns = new URL('../../../shared/data/blns/blns.json', import.meta.url);
requiresData('the big list of naughty strings', blns)('the big list of naughty strings', () => {
  it('is shown without a single raw byte', () => {
    const list = JSON.parse(readFileSync(blns, 'utf8')) as string[];
    expect(list.length).toBeGreaterThan(100);
    for (const text of list) expect([text, isRaw(visible(text))]).toEqual([text, false]);
  });
});
