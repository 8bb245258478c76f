import type { Guard } from '../guard.ts';

const file = 'test/core/flow/first-contact.test.ts';
const tier = 'src/core/flow/tool/tier.ts';

/** What tools of sets that nobody had looked at taught. */
export const firstContactGuards: readonly Guard[] = [
  {
    id: 'first/in-charge',
    file: tier,
    protects: 'what somebody is in charge of is not only looked at',
    attacks: ['A13'],
    find: "  if (readVerbs.has(word) && written.slice(0, at).some((one) => inCharge.test(one))) return ['unknown', opening];\n",
    put: '',
    tests: { file, title: 'a tool that is in charge of something' },
  },
  {
    id: 'first/ends-in-look',
    file: tier,
    protects: 'a deed in front of a look is a deed',
    attacks: ['A13'],
    find: ' &&\n  !written.slice(0, -1).some(actsPlainly);',
    put: ';',
    tests: { file, title: 'a tool that is in charge of something' },
  },
  {
    id: 'first/looked-at',
    file: tier,
    protects: 'what a deed has become acts unless its description looks',
    attacks: ['A13'],
    find: "nominal.test(deed ?? '') && classOf(opening) === 'read'",
    put: "nominal.test(deed ?? '')",
    tests: { file, title: 'what a deed has become acts' },
  },
  {
    id: 'first/only-brings',
    file: tier,
    protects: 'what is brought here and run is more than brought here',
    attacks: ['A13'],
    find: "brings.has(verb) && name.map(stem).every((word) => word === verb || classOf(word) === 'unknown')",
    put: 'brings.has(verb) && name.length > 0',
    tests: { file, title: 'what is brought here from an address' },
  },
  {
    id: 'first/buys',
    file: 'src/core/flow/tool/family.ts',
    protects: 'a shop with branches is no repository',
    attacks: ['A13'],
    find: "return name.some((word) => inSource.has(word)) && isOf(name);",
    put: "return name.some((word) => inSource.has(word)) && isOf([...name, ...described]);",
    tests: { file, title: 'is neither bought nor told to people' },
  },
  {
    id: 'first/tells',
    file: 'src/core/flow/tool/family.ts',
    protects: 'what is pushed to people is no change of sources',
    attacks: ['A13'],
    find: ' && !name.some((word) => told.has(word))',
    put: '',
    tests: { file, title: 'is neither bought nor told to people' },
  },
  {
    id: 'first/devices',
    file: 'src/core/flow/judge.ts',
    protects: 'who wants a meeting cancelled ends no alarm',
    attacks: ['A13'],
    find: '  if (isOtherDevice(flow, wordsOfName(profile.name))) return false;\n',
    put: '',
    tests: { file, title: 'things of a house' },
  },
  {
    id: 'first/none-required',
    file: 'src/core/flow/tool/tool-argument.ts',
    protects: 'a schema that requires nothing hides no text from the seventh rule',
    attacks: ['A13'],
    find: 'noneNamed || required.has(property.name)',
    put: 'required.has(property.name)',
    tests: { file, title: 'where no argument is required' },
  },
  {
    id: 'first/takes-away',
    file: 'src/core/flow/tool/tool-argument.ts',
    protects: 'where something is taken away is what is taken away',
    attacks: ['A13'],
    find: " && !takesAway.test(`${wordsOfName(tool.name).join(' ')} ${(tool.description ?? '').slice(0, 300)}`)",
    put: ' && tool.name.length > 0',
    tests: { file, title: 'the place where a tool works' },
  },
];
