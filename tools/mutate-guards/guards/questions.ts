import type { Guard } from '../guard.ts';

const tests = 'test/gateway/mcp/questions.test.ts';

/** What servers ask a client of the older revisions. */
export const questionGuards: readonly Guard[] = [
  {
    id: 'questions/per-server',
    file: 'src/gateway/mcp/open-questions.ts',
    protects: 'a server that asks without end leaves the others their questions',
    attacks: ['A31', 'A41'],
    find: '({ question }) => question.serverId === asked.serverId',
    put: '() => true',
    tests: { file: tests, title: 'one server that asks without end' },
  },
  {
    id: 'questions/bound',
    file: 'src/gateway/mcp/open-questions.ts',
    protects: 'a server has only so many questions open',
    attacks: ['A31', 'A41'],
    find: '    if (own.length >= mostOfAServer) return undefined;\n',
    put: '    if (own.length >= 64) return undefined;\n',
    tests: { file: tests, title: 'what was asked in the middle of a call' },
  },
  {
    id: 'questions/end-with-call',
    file: 'src/gateway/upstream/client-link.ts',
    protects: 'what was asked in a call ends with it',
    attacks: ['A31'],
    find: '    this.#spec.ended(this, callId);\n',
    put: '',
    tests: { file: tests, title: 'what was asked in the middle of a call' },
  },
  {
    id: 'questions/age',
    file: 'src/gateway/mcp/open-questions.ts',
    protects: 'what belongs to no request is not open for ever',
    attacks: ['A31'],
    find: '(question.callId === undefined && at < oldest)',
    put: 'at < 0',
    tests: { file: tests, title: 'of what belongs to no request' },
  },
];
