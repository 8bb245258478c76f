import type { Guard } from '../guard.ts';

const core = 'test/core/flow/told-to.test.ts';
const gateways = {
  file: 'test/gateway/flow/kinds-elsewhere.test.ts',
  title: 'no prompt, completion or address carries off what was read',
};
const policies = 'test/policy/kinds.test.ts';

/** What goes to a server beside calls of its tools. */
export const dataFlowGuards: readonly Guard[] = [
  {
    id: 'data-flow/prompt',
    file: 'src/gateway/flow/told-in.ts',
    protects: 'arguments of a prompt are looked at',
    attacks: ['A13'],
    find: "if (method === 'prompts/get') return [params['arguments']];",
    put: "if (method === 'prompts/get') return [];",
    tests: gateways,
  },
  {
    id: 'data-flow/completion',
    file: 'src/gateway/flow/told-in.ts',
    protects: 'what is to be completed is looked at, and what was chosen before it',
    attacks: ['A13'],
    find: "[params['argument'], params['context']]",
    put: "[params['argument']]",
    tests: gateways,
  },
  {
    id: 'data-flow/address',
    file: 'src/gateway/flow/told-in.ts',
    protects: 'what an agent fills into an address or a name is looked at',
    attacks: ['A13'],
    find: "!== 'exact'),",
    put: "!== 'exact' && false),",
    tests: gateways,
  },
  {
    id: 'data-flow/address-parts',
    file: 'src/core/flow/judge.ts',
    protects: 'each part of an address is looked at',
    attacks: ['A13'],
    find: '[address, ...parts].flatMap(',
    put: '[address].flatMap(',
    tests: { file: core, title: 'and in an address that was made of it' },
  },
  {
    id: 'data-flow/percent-signs',
    file: 'src/core/flow/path-form.ts',
    protects: 'what is written in percent signs is read',
    attacks: ['A13', 'A15'],
    find: '    const plain = withoutPercents(text);\n',
    put: '    const plain = text;\n',
    tests: { file: core, title: 'and in an address that was made of it' },
  },
  {
    id: 'data-flow/long-text',
    file: 'src/core/flow/judge.ts',
    protects: 'no text is too long to be looked at where no person is named whom it reaches',
    attacks: ['A13'],
    find: "role === 'text' && call.addresses === undefined && !(",
    put: "role === 'text' && !(",
    tests: { file: core, title: 'what was read as prose is seen in' },
  },
  {
    id: 'data-flow/names',
    file: 'src/core/flow/not-a-tool.ts',
    protects: 'what an argument is called says something too',
    attacks: ['A13'],
    find: "      say(name, /^[\\w.-]{1,64}$/.test(key) ? 'ref' : 'text', key);\n",
    put: '',
    tests: { file: core, title: 'what was read as prose is seen in' },
  },
  {
    id: 'data-flow/known-words',
    file: 'policies/data-flow.cedar',
    protects: 'no server is told what stands only in text that was read',
    attacks: ['A13'],
    find: '"approved"].containsAll(context.origin.text))\n  )\n};\n\n@id("refused-words")',
    put: '"approved", "prose"].containsAll(context.origin.text))\n  )\n};\n\n@id("refused-words")',
    tests: { file: policies, title: 'what a server is told with it goes by where it comes from' },
  },
  {
    id: 'data-flow/untraced-words',
    file: 'policies/data-flow.cedar',
    protects: 'a gap in the record is no reason to tell a server anything',
    attacks: ['A22'],
    find: '!(["known", "not-opened"].contains(context.trace)) };\n\n@id("refused-answer")',
    put: '!(["known", "not-opened", "incomplete"].contains(context.trace)) };\n\n@id("refused-answer")',
    tests: { file: policies, title: 'a server is told nothing with it where the record has a gap' },
  },
];
