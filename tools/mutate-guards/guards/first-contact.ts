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
];
