import { expect, it } from 'vitest';
import { stem } from '../../../src/core/flow/language/stem.ts';
import { familyOfNoun } from '../../../src/core/flow/language/words.ts';
import { plainSql } from '../../../src/core/flow/program/plain-sql.ts';
import { familiesIn, familiesOfWords } from '../../../src/core/flow/tool/family.ts';

/** What every object has, and a word of a text, of a tool or of a program may be. */
const words = Object.getOwnPropertyNames(Object.prototype);

it.each(words)('%s is a word like any other, wherever words are looked up', (word) => {
  expect(words.length).toBeGreaterThan(10);
  // In small letters too: that is how a request comes.
  for (const one of [word, word.toLowerCase()]) {
    expect(typeof stem(one)).toBe('string');
    expect(stem(one)).toBe(stem(`x${one}`).slice(1));
    for (const families of [familiesOfWords([one]), familiesOfWords(['send', one]), familiesIn([one])])
      expect(families.filter((family) => typeof family !== 'string')).toEqual([]);
    expect(familiesOfWords([one])).toEqual(familiesOfWords(['xyzzy']));
    expect(familyOfNoun.get(one)).toBeUndefined();
    expect(plainSql(`select ${one}(name) from films`)).toEqual(plainSql('select xyzzy(name) from films'));
  }
});
