import type { Guard } from '../guard.ts';

const tests = 'test/core/flow/paths.test.ts';

/** Which file is named, which need not be, and what is chosen where a tool does several things. */
export const pathGuards: readonly Guard[] = [
  {
    id: 'paths/from-some-folder',
    file: 'src/core/flow/open-flow.ts',
    protects: 'a file that is named from the root is no other that ends like it',
    attacks: ['A13'],
    find: 'path !== undefined && !/^[/~\\\\]|^file:/i.test(token)',
    put: 'path !== undefined',
    tests: {
      file: tests,
      title: 'is no other where it was named from the root, or from home',
    },
  },
  {
    id: 'paths/written-in',
    file: 'src/core/flow/edited-path.ts',
    protects: 'what is overwritten must be named',
    attacks: ['A13'],
    find: ' && !overwrites.has(verb)',
    put: '',
    tests: { file: tests, title: 'is named as before when it is overwritten or deleted' },
  },
  {
    id: 'paths/spoken-file',
    file: 'src/core/flow/edited-path.ts',
    protects: 'a file of which text speaks is asked about, whatever listing holds it',
    attacks: ['A13'],
    find: 'spoken ?? originOfValue(flow, path)',
    put: 'originOfValue(flow, path)',
    tests: {
      file: tests,
      title: 'is asked about where text speaks of it, though a listing holds it too',
    },
  },
  {
    id: 'paths/runs-by-itself',
    file: 'src/core/flow/edited-path.ts',
    protects: 'what is run or believed by itself must be named to be written in',
    attacks: ['A13'],
    find: ' || ofTheSystem.test(path) || runsByItself.test(path)',
    put: '',
    tests: { file: tests, title: 'is named as before where it is' },
  },
  {
    id: 'paths/called-by-a-deed',
    file: 'src/core/flow/tool/chosen-look.ts',
    protects: 'a tool that is called by a deed does it, whatever is chosen',
    attacks: ['A13'],
    find: "classOf(profile.verb) === 'sink' || ",
    put: '',
    tests: { file: tests, title: 'does what it is called by, whatever is chosen' },
  },
  {
    id: 'paths/whole-choice',
    file: 'src/core/flow/tool/chosen-look.ts',
    protects: 'a choice that looks and then acts is no look',
    attacks: ['A13'],
    find: ' && !rest.some((word) => mayAct(word))',
    put: '',
    tests: { file: tests, title: 'may do more by' },
  },
];
