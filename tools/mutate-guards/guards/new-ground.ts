import type { Guard } from '../guard.ts';

const days = 'test/core/flow/first-days.test.ts';
const tier = 'src/core/flow/tool/tier.ts';
const record = 'src/core/flow/named-record.ts';

/** What is taken for granted of tools that nobody had met, and what bounds it. */
export const newGroundGuards: readonly Guard[] = [
  {
    id: 'new/ends-as-said',
    file: tier,
    protects: 'a name that ends in a look acts unless its description begins with that look',
    attacks: ['A13'],
    find: " && stem(name.at(-1) ?? '') === opening;",
    put: ';',
    tests: { file: days, title: 'is described by another deed' },
  },
  {
    id: 'new/offers',
    file: tier,
    protects: 'what is listed for sale is not looked at',
    attacks: ['A13'],
    find: ' && !offers.test(description))',
    put: ')',
    tests: { file: days, title: 'offers something' },
  },
  {
    id: 'new/or-update',
    file: tier,
    protects: 'a tool that makes or changes is one that changes',
    attacks: ['A13'],
    find: "  if (localVerbs.has(word) && joinsWith(name.slice(at + 1), 'sink')) return ['sink', word];\n",
    put: '',
    tests: { file: days, title: 'a tool that makes a thing or changes it' },
  },
  {
    id: 'new/path-by-sight',
    file: 'src/core/flow/call.ts',
    protects: 'what is moved is a path, whatever its argument is called',
    attacks: ['A13'],
    find: "  if (role === 'text' && takesAway(profile) && isAbsolute(text)) return 'path';\n",
    put: '',
    tests: { file: days, title: 'is a path, whatever the argument is called' },
  },
  {
    id: 'new/number-written',
    file: record,
    protects: 'what somebody wrote is not the record of a number in it',
    attacks: ['A13'],
    find: '  !isWritten(record) &&\n  Object.entries',
    put: '  Object.entries',
    tests: { file: days, title: 'somebody wrote it' },
  },
  {
    id: 'new/number-said',
    file: record,
    protects: 'the number stands in the request',
    attacks: ['A13'],
    find: "      flow.values.get(exactKey(flow.hash, given))?.origin === 'request' &&\n",
    put: '',
    tests: { file: days, title: 'the user gave no number' },
  },
  {
    id: 'new/number-once',
    file: record,
    protects: 'of two records with one number neither is the one',
    attacks: ['A13'],
    find: 'asked !== undefined && others.length === 0',
    put: 'asked !== undefined',
    tests: { file: days, title: 'there are two' },
  },
];
