import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eachToken } from '../../../src/core/flow/tokens.ts';

const pattern = /[^\s"'`<>,;()[\]{}|=*]+/gu;

function tokensOf(text: string, most = Number.POSITIVE_INFINITY): readonly string[] {
  const found: string[] = [];
  eachToken(text, (token) => found.push(token) < most);
  return found;
}

describe('the tokens of a text', () => {
  it('are what stands between spaces, quotes and brackets, of any text', () => {
    const units = fc.array(fc.nat(0xffff), { maxLength: 200 }).map((codes) => String.fromCharCode(...codes));
    const signs = fc.string({
      unit: fc.constantFrom(...'ab1 \n\t"\'`<>,;()[]{}|=*\u00a0\u2003\u2028\u3000\ufeffüя🙂'),
    });
    fc.assert(
      fc.property(fc.oneof(units, signs), (text) => {
        expect(tokensOf(text)).toEqual(text.match(pattern) ?? []);
      }),
    );
  });

  it('end at every letter at which a pattern ends them', () => {
    for (let code = 0; code <= 0xffff; code += 1) {
      const text = `a${String.fromCharCode(code)}b`;
      expect(tokensOf(text), `U+${code.toString(16)}`).toEqual(text.match(pattern));
    }
  });

  it('are handed over no further than somebody wants them', () => {
    expect(tokensOf('one two three', 2)).toEqual(['one', 'two']);
  });
});
