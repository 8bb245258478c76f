import type { Guard } from '../guard.ts';

const file = 'test/gateway/delegation.test.ts';
const tools = { file, title: 'may do no more than each agent that it works for' };

/** Rights along a chain of agents: those that all of them have. */
export const delegationGuards: readonly Guard[] = [
  {
    id: 'delegation/tools',
    file: 'src/gateway/checks/scope.ts',
    protects: 'a child calls no tool that its parent may not call',
    attacks: ['A13'],
    find: 'markIn(line, known(facts.tool).pin)',
    put: 'markIn(line.slice(0, 1), known(facts.tool).pin)',
    tests: tools,
  },
  {
    id: 'delegation/list',
    file: 'src/gateway/checks/list-tools.ts',
    protects: 'nor does it learn of one',
    attacks: ['A13'],
    find: 'markIn(line, pin)',
    put: 'markIn(line.slice(0, 1), pin)',
    tests: tools,
  },
  {
    id: 'delegation/asks',
    file: 'src/contract/delegation.ts',
    protects: 'a person is asked where one of the line asks',
    attacks: ['A13'],
    find: "return marks.includes('ask') ? 'ask' : 'allow';",
    put: "return marks[0] === 'ask' ? 'ask' : 'allow';",
    twin: {
      file: 'src/gateway/policy/policy-request.ts',
      find: 'listedIn(known(facts.line), pin)',
      put: 'listedIn(known(facts.line).slice(0, 1), pin)',
    },
    tests: tools,
  },
  {
    id: 'delegation/two',
    file: 'src/gateway/call/approval-terms.ts',
    protects: 'and as many as the strictest wants',
    attacks: ['A13'],
    find: 'known(line).some((agent) =>',
    put: 'known(line).slice(0, 1).some((agent) =>',
    tests: tools,
  },
  {
    id: 'delegation/reach',
    file: 'src/gateway/checks/reach-scope.ts',
    protects: 'a child reads nothing that its parent may not read',
    attacks: ['A13'],
    find: 'return line.every((agent) => mayReach(agent, reach, name)) ? [reach] : [];',
    put: 'return mayReach(line[0], reach, name) ? [reach] : [];',
    twin: {
      file: 'src/gateway/checks/policy-of-kind.ts',
      find: 'listed: reachListedIn(known(facts.line), reach)',
      put: 'listed: reachListedIn(known(facts.line).slice(0, 1), reach)',
    },
    tests: { file, title: 'reads no more than they may either' },
  },
  {
    id: 'delegation/seen',
    file: 'src/gateway/call/present-reach.ts',
    protects: 'and sees no name of it',
    attacks: ['A13'],
    find: 'line.every((agent) => isSeen(agent, endpoint, item))',
    put: 'isSeen(line[0], endpoint, item)',
    tests: { file, title: 'reads no more than they may either' },
  },
  {
    id: 'delegation/laundering',
    file: 'src/contract/delegation.ts',
    protects: 'one in between that lends what it has lifts nobody else’s bound',
    attacks: ['A13'],
    find: "if (spec.delegation !== 'own') line.push(spec);",
    put: "if (spec.delegation === 'own') return [own];\n    line.push(spec);",
    tests: { file, title: 'has the rights of its own agent where all that it works for lend them' },
  },
  {
    id: 'delegation/gone',
    file: 'src/contract/delegation.ts',
    protects: 'an agent that is configured no more bounds to nothing',
    attacks: ['A13'],
    find: 'if (spec === undefined) return undefined;',
    put: 'if (spec === undefined) continue;',
    tests: { file, title: 'may do nothing where an agent that it works for is in the configuration no more' },
  },
  {
    id: 'delegation/grants',
    file: 'src/activities/delegated-grant.ts',
    protects: 'a child gets no credential that its parent would not get',
    attacks: ['A13'],
    find: 'haveGrant(line, spec)',
    put: 'true',
    tests: { file, title: 'gets no credential that an agent it works for would not get' },
  },
];
