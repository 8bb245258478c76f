import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callDigest, canonicalText } from '../../../src/gateway/json/canonical.ts';
import { maxDepth, parseStrict } from '../../../src/gateway/json/parse-strict.ts';

const read = (text: string) => parseStrict(Buffer.from(text, 'utf8'));
const problemOf = (text: string): string | undefined => {
  const result = read(text);
  return result.ok ? undefined : result.problem;
};

describe('JSON that is read for an approval', () => {
  it('means what JSON.parse says it means, for everything that JSON.stringify writes', () => {
    const value = fc.jsonValue({ noUnicodeString: false });
    fc.assert(
      fc.property(value, fc.constantFrom(0, 2), (written, space) => {
        const text = JSON.stringify(written, null, space);
        const integers = JSON.stringify(JSON.parse(text), (_key, part: unknown) =>
          typeof part === 'number' && Number.isInteger(part) && !Number.isSafeInteger(part) ? 'unsafe' : part,
        );
        fc.pre(!integers.includes('"unsafe"') && !/\\ud[89a-f]/i.test(text));
        const result = read(text);
        expect(result.ok).toBe(true);
        if (result.ok) expect(JSON.stringify(result.value)).toBe(JSON.stringify(JSON.parse(text)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses whatever JSON.parse refuses, and says where', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'{}[]",:0123456789.eE+-\\u/tfn truefalsenull\n\t'.split('')) }),
        (text) => {
          let parses = true;
          try {
            JSON.parse(text);
          } catch {
            parses = false;
          }
          if (!parses) expect(problemOf(text)).toMatch(/\(at character \d+\)$/);
        },
      ),
      { numRuns: 20_000 },
    );
  });

  it.each([
    ['a key twice', '{"a":1,"a":2}', /stands twice/],
    ['a key twice, once escaped', '{"a":1,"\\u0061":2}', /stands twice/],
    ['__proto__ twice', '{"__proto__":1,"__proto__":2}', /stands twice/],
    ['an integer that would be rounded', '{"a":9007199254740993}', /too large to be exact/],
    ['the same with a point', '[9007199254740993.0]', /too large to be exact/],
    ['the same with an exponent', '[1e300]', /too large to be exact/],
    ['a number that overflows', '[1e400]', /too large/],
    ['half of a surrogate pair', '["\\ud800"]', /half of a surrogate/],
    ['the other half', '["\\udc00x"]', /half of a surrogate/],
    ['nesting without end', '['.repeat(100_000), /nested deeper/],
    ['more objects than memory is for', `[${'{},'.repeat(50_000)}{}]`, /more values/],
    ['more numbers than that', `[${'1,'.repeat(400_000)}1]`, /more values/],
    ['a byte order mark', '\ufeff{}', /not JSON/],
    ['two values', '{} {}', /after the JSON value/],
    ['nothing', '', /missing/],
  ])('refuses %s', (_what, text, problem) => {
    expect(problemOf(text) ?? 'it was taken').toMatch(problem);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(parseStrict(Uint8Array.from([0x22, 0xff, 0x22])).ok).toBe(false);
    expect(parseStrict(Uint8Array.from([0x22, 0xed, 0xa0, 0x80, 0x22])).ok).toBe(false);
  });

  it('takes as much as anybody has to say', () => {
    expect(problemOf(`[${'{"role":"user","content":"Yes."},'.repeat(20_000)}{}]`)).toBeUndefined();
  });

  it('takes a whole surrogate pair, escaped or not, and nesting up to the limit', () => {
    expect(problemOf('["\\ud83d\\ude00","😀"]')).toBeUndefined();
    expect(problemOf('['.repeat(maxDepth + 1) + ']'.repeat(maxDepth + 1))).toBeUndefined();
    expect(problemOf('['.repeat(maxDepth + 2) + ']'.repeat(maxDepth + 2))).toMatch(/nested deeper/);
  });

  it('keeps keys that are dangerous elsewhere as plain keys', () => {
    const result = read('{"__proto__":{"isAdmin":true},"constructor":1,"toString":2}');
    expect(result.ok).toBe(true);
    if (!result.ok) return;
    const value = result.value as Readonly<Record<string, unknown>>;
    expect(value['isAdmin']).toBeUndefined();
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor', 'toString']);
    expect(canonicalText(result.value)).toBe('{"__proto__":{"isAdmin":true},"constructor":1,"toString":2}');
  });

  it('comes to the same bytes in whatever order and spelling the same arguments are sent', () => {
    const spellings = ['{"b":1.50,"a":"\\u0078"}', ' { "a" : "x", "b" : 15e-1 } '];
    const texts = spellings.map((text) => {
      const result = read(text);
      return result.ok ? canonicalText(result.value) : result.problem;
    });
    expect(texts).toEqual(['{"a":"x","b":1.5}', '{"a":"x","b":1.5}']);
  });

  it('gives every call a digest of its own: tool, definition and arguments each count', () => {
    const digests = [
      callDigest('tool:a/b', 'd1', '{}'),
      callDigest('tool:a/c', 'd1', '{}'),
      callDigest('tool:a/b', 'd2', '{}'),
      callDigest('tool:a/b', 'd1', '{"x":1}'),
    ].map((digest) => Buffer.from(digest).toString('hex'));
    expect(new Set(digests).size).toBe(4);
    const whole = canonicalText({ arguments: { x: 1 }, definition: 'd1', tool: 'tool:a/b' });
    expect(whole).toBe('{"arguments":{"x":1},"definition":"d1","tool":"tool:a/b"}');
  });
});
