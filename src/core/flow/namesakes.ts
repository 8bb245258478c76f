/** People whom the user named by one word, and of whom the records of a task hold two: the word does not say which. */
import { type Draft, mark } from './draft.ts';
import type { KeyedHash } from './keyed-hash.ts';
import { partsOf } from './scan.ts';
import type { Rec } from './shape/fields.ts';
import { nameKey, personOf, type TaskFlow } from './task-flow.ts';

const called = /^(?:(?:full|display|real|user)_?)?name$/i;
const mostWords = 4;
const oneKey = (hash: KeyedHash, word: string): string => hash(`c:${word}`);
const severalKey = (hash: KeyedHash, word: string): string => hash(`cc:${word}`);

export function noteNamesakes(draft: Draft, records: readonly Rec[]): void {
  const { flow, values } = draft;
  const named = [...flow.named.values()].filter((words) => words.length === 1).map(([word = '']) => word);
  if (named.length === 0) return;
  for (const { fields } of records)
    for (const { key, value } of fields) {
      if (!called.test(key) || value.length > 80) continue;
      const words = partsOf(value).map((word) => nameKey(flow.hash, word));
      if (words.length < 2 || words.length > mostWords) continue;
      for (const word of named.filter((one) => words.includes(one))) {
        const one = oneKey(flow.hash, word);
        const whole = personOf([...words].sort());
        const before = values.get(one)?.[3] ?? flow.values.get(one)?.person;
        if (before === undefined) mark(draft, one, 'field', whole);
        else if (before !== whole) mark(draft, severalKey(flow.hash, word), 'field');
      }
    }
}

/** The key of one word of a name: two whom the user has not told apart bear it. */
export const isOfSeveral = ({ hash, values }: TaskFlow, word: string): boolean => values.has(severalKey(hash, word));
