import type { Guard } from '../guard.ts';

const slices = 'test/policy/slices.test.ts';

/** Cedar is given what can matter: what a policy looks at is never left out. */
export const policyGuards: readonly Guard[] = [
  {
    id: 'policy/who-asks',
    file: 'src/policy/reads.ts',
    protects: 'a policy that looks at who asks is told who it is',
    attacks: ['A6'],
    find: "json.principal.op !== 'All' || names(json.conditions, ofAgents)",
    put: "json.principal.op !== 'All'",
    tests: { file: slices, title: 'is told who it is' },
  },
  {
    id: 'policy/what-is-asked-for',
    file: 'src/policy/reads.ts',
    protects: 'a policy that looks at which tool is called is told which one it is',
    attacks: ['A6'],
    find: "!anyAction(json.action) || json.resource.op !== 'All' || names(json.conditions, ofTargets)",
    put: "json.resource.op !== 'All' || names(json.conditions, ofTargets)",
    tests: { file: slices, title: 'is told which one it is' },
  },
  {
    id: 'policy/of-which-server',
    file: 'src/policy/reads.ts',
    protects: 'a policy whose head names a server is told of which server a tool is',
    attacks: ['A6'],
    find: "json.resource.op !== 'All' ||",
    put: '',
    tests: { file: slices, title: 'is told which one it is' },
  },
  {
    id: 'policy/asked-for-in-its-condition',
    file: 'src/policy/reads.ts',
    protects: 'a policy whose condition looks at the tool is told which one it is',
    attacks: ['A6'],
    find: ' || names(json.conditions, ofTargets)',
    put: '',
    tests: { file: slices, title: 'is told which one it is' },
  },
  {
    id: 'policy/has-a-say',
    file: 'src/policy/reads.ts',
    protects: 'every policy whose head may name the call is heard',
    attacks: ['A6'],
    find: 'columnOf(id) === column)',
    put: 'columnOf(id) !== column)',
    tests: { file: slices, title: 'has it where its head names' },
  },
];
