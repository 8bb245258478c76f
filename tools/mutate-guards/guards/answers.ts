import type { Guard } from '../guard.ts';

const sink = 'src/core/flow/sink.ts';
const file = 'test/core/flow/yes.test.ts';

/** What a yes of a person to a question of the data flow settles besides its call. */
export const answerGuards: readonly Guard[] = [
  {
    id: 'answers/this-call',
    file: sink,
    protects: 'what pays, deletes, runs or lets in is asked about each time',
    attacks: ['A6', 'A13'],
    find: "return profile.tier === 'write' || isEveryday(profile) ? tool : undefined;",
    put: 'return tool;',
    tests: { file, title: 'is a yes to that call alone' },
  },
  {
    id: 'answers/this-tool',
    file: 'src/core/flow/answer.ts',
    protects: 'what one tool may write no other tool may',
    attacks: ['A13'],
    find: 'JSON.stringify([sink, formOf(rule, value)])',
    put: 'JSON.stringify([formOf(rule, value)])',
    tests: { file, title: 'counts for this tool, and for no other' },
  },
  {
    id: 'answers/this-server',
    file: sink,
    protects: 'nor one of the same name on another server, or of another definition',
    attacks: ['A13', 'A14'],
    find: 'profile.key ?? profile.name',
    put: 'profile.name',
    tests: { file, title: 'counts for this tool, and for no other' },
  },
  {
    id: 'answers/pinned',
    file: 'src/gateway/upstream/tool-pin-profile.ts',
    protects: 'which is told by the pin',
    attacks: ['A14'],
    find: '    key: `${scopeKey} ${definitionHash}`,\n',
    put: '',
    tests: { file: 'test/gateway/tool-profile.test.ts', title: 'by its server and its definition' },
  },
  {
    id: 'answers/site',
    file: sink,
    protects: 'a site that may be looked at is sent nothing but forms',
    attacks: ['A13'],
    find: "profile.tier === 'fetch' || usesForms(profile) ? 'site' : undefined",
    put: "'site'",
    tests: { file, title: 'and nothing else be sent there' },
  },
  {
    id: 'answers/known-by-then',
    file: 'src/core/flow/judge.ts',
    protects: 'a yes to an action is none for what was read since',
    attacks: ['A13'],
    find: ' : seenAt <= saidAt,',
    put: ' : true,',
    tests: { file, title: 'is for what was known by then' },
  },
  {
    id: 'answers/made-up',
    file: 'src/core/flow/judge.ts',
    protects: 'nor for what nobody ever named',
    attacks: ['A13'],
    find: "seenAt === 0 ? origin === 'request' || origin === 'own' || origin === 'contact' :",
    put: 'seenAt === 0 ? true :',
    tests: { file, title: 'is for what was known by then' },
  },
  {
    id: 'answers/amount',
    file: sink,
    protects: 'nor for one with an amount or a text',
    attacks: ['A6'],
    find: "values.every(({ role }) => role === 'ref' || role === 'path') && ",
    put: '',
    tests: { file, title: 'for nothing with an amount or a switch' },
  },
  {
    id: 'answers/switch',
    file: sink,
    protects: 'nor for one with a switch',
    attacks: ['A6'],
    find: ' && !hasSwitch(call.args);',
    put: ';',
    tests: { file, title: 'for nothing with an amount or a switch' },
  },
];
