import type { Guard } from '../guard.ts';

/** Rules of the stop itself that stand in TypeScript. Those in SQL are sabotaged by their own tests. */
export const stopGuards: readonly Guard[] = [
  {
    id: 'stop/receipt-ok',
    file: 'src/activities/kill.ts',
    protects: 'a receipt under an error status is none',
    attacks: ['A28'],
    find: 'if (response.ok && receipt.success)',
    put: 'if (receipt.success)',
    tests: { file: 'test/activities/kill.test.ts', title: 'is none: somebody in between, or an error, is speaking' },
  },
  {
    id: 'stop/receipt-latched',
    file: 'src/activities/kill.ts',
    protects: 'a task does not close on a promise',
    attacks: ['A28'],
    find: "state: z.literal('latched'),",
    put: 'state: z.string(),',
    tests: { file: 'test/activities/kill.test.ts', title: 'a promise is no receipt' },
  },
  {
    id: 'stop/calm',
    file: 'src/workflows/agent-task/latch-kill.ts',
    protects: 'a flood does not make the first act of a killed task fail',
    attacks: ['A3'],
    find: '!namesStop && workflowInfo().historyLength < calmEvents',
    put: '!namesStop',
    tests: {
      file: 'test/agent-task/kill-at-once.test.ts',
      title: 'amid a flood is latched on the trusted queue alone',
    },
  },
  {
    id: 'stop/given-up-goes-on',
    file: 'src/activities/heartbeat.ts',
    protects: 'a cut that Temporal gave up is not ended by half',
    attacks: ['A8'],
    find: 'if (context.cancellationDetails?.workerShutdown === true) ',
    put: '',
    tests: { file: 'test/activities/worker-shutdown.test.ts', title: 'an attempt that Temporal has given up goes on' },
  },
  {
    id: 'stop/ending-already',
    file: 'src/activities/heartbeat.ts',
    protects: 'an attempt of a worker that is ending ends',
    attacks: [],
    find: 'if (cancellationSignal.aborted) look();\n  else ',
    put: '',
    tests: {
      file: 'test/activities/worker-shutdown.test.ts',
      title: 'an attempt that starts while its worker is ending already is ended',
    },
  },
  {
    id: 'stop/store-let-go',
    file: 'src/activities/until-written.ts',
    protects: 'a process that ends is not held by what it cannot write',
    attacks: [],
    find: ' || store.ending',
    put: '',
    tests: {
      file: 'test/activities/until-written.test.ts',
      title: 'a process that has let go of its store does not go on trying',
    },
  },
  {
    id: 'stop/drain-gives-up',
    file: 'src/workers/relay/drain.ts',
    protects: 'a drain does not hang on a store that is away',
    attacks: [],
    find: '    if (failures.length >= failuresAtMost) break;\n',
    put: '',
    tests: {
      file: 'test/revocation/drain.test.ts',
      title: 'gives a reading up after twenty orders that could not be latched',
    },
  },
  {
    id: 'stop/drain-counts-failures',
    file: 'src/workers/relay/drain.ts',
    protects: 'a drain that could not latch is not recorded',
    attacks: ['A26'],
    find: '  if (failures.length > 0) throw failures[0];\n',
    put: '',
    tests: {
      file: 'test/revocation/drain.test.ts',
      title: 'gives a reading up after twenty orders that could not be latched',
    },
  },
];
