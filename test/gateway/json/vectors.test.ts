import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalText } from '../../../src/gateway/json/canonical.ts';
import { type JsonValue, parseStrict } from '../../../src/gateway/json/parse-strict.ts';
import { requiresData } from '../../kit/requires.ts';

const parsing = new URL('../../../../shared/data/jsontestsuite/test_parsing/', import.meta.url);
const jcs = new URL('../../../../shared/data/jcs/', import.meta.url);
const files = existsSync(parsing) ? readdirSync(parsing).sort() : [];
const read = (file: string) => parseStrict(readFileSync(new URL(encodeURIComponent(file), parsing)));

/** Valid JSON that is refused on purpose: two readers could understand it differently. */
const refusedThough = [
  'y_object_duplicated_key.json', // which of the two counts
  'y_object_duplicated_key_and_value.json', // the same key twice, whatever it holds
  // Integers beyond 2^53, which a double rounds: 123e65, 1E22, 123e45, 123.456e78, -1.0e+28.
  'y_number.json',
  'y_number_real_capital_e.json',
  'y_number_real_exponent.json',
  'y_number_real_fraction_exponent.json',
  'y_object_extreme_numbers.json',
];
/** Left open by the standard, and taken: it underflows to 0, and 0 is what is hashed, shown and sent. All others are refused. */
const taken = ['i_number_double_huge_neg_exp.json', 'i_number_real_underflow.json'];

requiresData('the JSON parsing test suite', parsing)('the JSON parsing test suite', () => {
  it('is there in full', () => {
    expect(files).toHaveLength(318);
  });

  it.each(files.filter((file) => file.startsWith('y_')))('%s', (file) => {
    expect(read(file).ok).toBe(!refusedThough.includes(file));
  });

  it.each(files.filter((file) => file.startsWith('n_')))('refuses %s', (file) => {
    expect(read(file).ok).toBe(false);
  });

  it.each(files.filter((file) => file.startsWith('i_')))('takes a side on %s', (file) => {
    const result = read(file);
    expect([file, result.ok]).toEqual([file, taken.includes(file)]);
    if (!result.ok) expect(result.problem.length).toBeGreaterThan(10);
  });
});

const names = existsSync(jcs) ? readdirSync(new URL('input/', jcs)) : [];

requiresData('the vectors of RFC 8785', jcs)('the vectors of RFC 8785', () => {
  it.each(names)('%s comes to its canonical bytes', (name) => {
    const input = readFileSync(new URL(`input/${name}`, jcs));
    const wanted = readFileSync(new URL(`output/${name}`, jcs), 'utf8');
    expect(canonicalText(JSON.parse(input.toString('utf8')) as JsonValue)).toBe(wanted); // what JSON.parse gives is JSON
    const strict = parseStrict(input);
    // 1E30 is an integer that no double holds exactly: canonical, and refused before.
    if (name === 'values.json')
      expect(strict).toMatchObject({ ok: false, problem: expect.stringContaining('too large to be exact') });
    else expect(strict.ok && canonicalText(strict.value)).toBe(wanted);
  });
});

const json = fc.jsonValue({ noUnicodeString: false });
const canonicalOf = (value: unknown): string | undefined => {
  const result = parseStrict(Buffer.from(JSON.stringify(value)));
  return result.ok ? canonicalText(result.value) : undefined;
};

it('the canonical bytes are read as the same value, and come to themselves', () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalOf(value);
      fc.pre(text !== undefined);
      const again = parseStrict(Buffer.from(text ?? ''));
      expect(again.ok && canonicalText(again.value)).toBe(text);
      expect(JSON.parse(text ?? '')).toEqual(JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 2_000 },
  );
});

it('two values have the same canonical bytes only if they are the same value', () => {
  fc.assert(
    fc.property(json, json, (one, other) => {
      const [a, b] = [canonicalOf(one), canonicalOf(other)];
      fc.pre(a !== undefined && b !== undefined);
      const sorted = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
      let same = true;
      try {
        expect(sorted(one)).toEqual(sorted(other));
      } catch {
        same = false;
      }
      expect(a === b).toBe(same);
    }),
    { numRuns: 2_000 },
  );
});

it('what is refused is refused in bounded time, however it is nested', () => {
  for (const text of ['['.repeat(250_000), '{"a":'.repeat(100_000), '[[],'.repeat(100_000)])
    expect(parseStrict(Buffer.from(text)).ok).toBe(false);
});
