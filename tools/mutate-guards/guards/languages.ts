import type { Guard } from '../guard.ts';

const names = 'test/core/flow/foreign-names.test.ts';
const tests = 'test/core/flow/other-languages.test.ts';

/** What a request asks for in another language than English. */
export const languageGuards: readonly Guard[] = [
  {
    id: 'languages/vote',
    file: 'src/core/flow/language/spoken.ts',
    protects: 'a foreign name in an English request is not read in another language',
    attacks: ['A13'],
    find: 'others > 0 ? little > 1 && 3 * little >= others : little > 0 || sure',
    put: 'others >= 0 && (little > 0 || verbs > 0 || sure)',
    tests: { file: tests, title: 'is not what a foreign name' },
  },
  {
    id: 'languages/quoted',
    file: 'src/core/flow/language/other-languages.ts',
    protects: 'what a request only quotes is not asked for',
    attacks: ['A13'],
    find: "    .replaceAll(quoted, ' ')\n",
    put: '',
    tests: { file: tests, title: 'is nothing where it is only quoted' },
  },
  {
    id: 'languages/all-mean-it',
    file: 'src/core/flow/language/other-languages.ts',
    protects: 'nothing is paid, deleted, run or granted where another language that this may be means something else',
    attacks: ['A13'],
    find: '!guardedFamilies.has(family) || all.every(',
    put: '!guardedFamilies.has(family) || all.some(',
    tests: { file: tests, title: 'is nothing that another of the languages' },
  },
  {
    id: 'languages/nouns',
    file: 'src/core/flow/language/other-languages.ts',
    protects: 'a German noun is no verb',
    attacks: ['A13'],
    find: '  if (isNoun) return found;\n',
    put: '',
    tests: { file: tests, title: 'Lies die Antwort' },
  },
  {
    id: 'languages/names',
    file: 'src/core/flow/open-flow.ts',
    protects: 'a noun or a verb with a capital names nobody in a request that is not in English',
    attacks: ['A13'],
    find: 'spoken.length > 0 ? namedIn(spoken, row) : kept',
    put: 'kept',
    tests: { file: names, title: 'a stranger is not named by a noun' },
  },
  {
    id: 'languages/things',
    file: 'src/core/flow/language/foreign-names.ts',
    protects: 'a German noun that no list knows is told by what stands before it',
    attacks: ['A13'],
    find: '  return name.length === 1 && isThing(context, after) ? [] : name;',
    put: '  return name;',
    tests: { file: names, title: 'a stranger is not named by a noun' },
  },
  {
    id: 'languages/joining',
    file: 'src/core/flow/origin.ts',
    protects: 'a title is not made of the words of the request because both say "und"',
    attacks: ['A13'],
    find: ' && !joinsElsewhere.has(folded(part))',
    put: '',
    tests: { file: tests, title: 'is not made of the words of the request because both' },
  },
];
