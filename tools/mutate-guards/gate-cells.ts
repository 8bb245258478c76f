import type { Edit, Guard, Tests } from './guard.ts';

const file = 'src/gateway/gate.ts';

interface Cell {
  readonly step: string;
  readonly column: string;
  readonly line: string;
  readonly without: string;
}

/** Every cell of the gate's matrix that holds a check, and its line without it. */
export function cellsOf(gateText: string): readonly Cell[] {
  const names = /const columns: readonly Column\[\] = \[([^\]]*)\]/.exec(gateText)?.[1] ?? '';
  const columns = [...names.matchAll(/'([^']+)'/g)].map(([, name]) => name ?? '');
  return gateText.split('\n').flatMap((line) => {
    const row = /^ {2}\['([^']+)',(.*)\],$/.exec(line);
    if (row === null) return [];
    const cells = (row[2] ?? '').split(',');
    return cells.flatMap((cell, at) => {
      if (cell.trim() === 'none') return [];
      const without = cells.with(at, ' none').join(',');
      return [{ step: row[1] ?? '', column: columns[at] ?? '', line, without: `  ['${row[1]}',${without}],` }];
    });
  });
}

/** Made from the matrix itself, so that a new cell is a new guard without anybody having to think of it. */
export function gateCells(gateText: string): readonly Guard[] {
  return cellsOf(gateText).map(({ step, column, line, without }) => ({
    id: `gate/${column}/${step.replaceAll(', ', '-').replaceAll(' ', '-').toLowerCase()}`,
    file,
    protects: `${column}: ${step}`,
    attacks: ['A22'],
    find: line,
    put: without,
    ...twins[`${column}/${step}`],
    tests: testsOf(step, column),
  }));
}

/** What a column must do is one sentence for each in its own test file; a few steps have their tests where they belong. */
function testsOf(step: string, column: string): Tests {
  const special = elsewhere[`${column}/${step}`];
  if (special !== undefined) return special;
  const what = told[`${column}/${step}`] ?? told[step] ?? 'is served to a task that may have it';
  return { file: 'test/gateway/gate-columns.test.ts', title: `${column} ${what}` };
}

/** The token is asked for once more before a body is read; a handshake needs nothing else of it. */
const twins: Readonly<Record<string, { readonly twin: Edit }>> = {
  'session/token': {
    twin: {
      file: 'src/gateway/mcp/serve-mcp.ts',
      find: '  if (!token.ok)\n    return sendProblem(',
      put: '  if (!token.ok && sessionId !== undefined)\n    return sendProblem(',
    },
  },
};

/** Where a later step would not miss what this one finds out. */
const told: Readonly<Record<string, string>> = {
  'session/token': 'is for no stranger',
  'fence': 'asks anew for a token that is newer than the view',
  'scope': 'is refused to whom it is not given',
  'tool-list/scope': 'is served to a task that may have it',
  'model-list/scope': 'is served to a task that may have it',
  'data flow': 'is remembered for its task',
  'subscription/fence, answer': 'is remembered for its task',
  'answer/data flow': 'is served to a task that may have it',
  'answer/scope': 'is served to a task that may have it',
};

const elsewhere: Readonly<Record<string, Tests>> = {
  'tool-call/approval answer': {
    file: 'test/gateway/approval-page.test.ts',
    title: 'is good once, for this task, for these arguments, unaltered and alone',
  },
  'tool-call/data flow': {
    file: 'test/gateway/flow/task-flows.test.ts',
    title:
      'a letter to whom the user named goes, and one to whom somebody planted waits for a person, at every gateway',
  },
};
