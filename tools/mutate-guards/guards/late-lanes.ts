import type { Guard } from '../guard.ts';

const twoWorkers = 'test/revocation/two-workers.test.ts';

/** Lanes that somebody comes late to, and lanes of which people hear late. */
export const lateLaneGuards: readonly Guard[] = [
  {
    id: 'stop/cut-not-late-asleep',
    file: 'src/activities/late-cut.ts',
    protects: 'no cut goes out late because the machine slept before it',
    attacks: ['A25'],
    find: 'Math.max(performance.now() - awake, Date.now() - wall)',
    put: 'performance.now() - awake',
    tests: { file: twoWorkers, title: 'is not cut by the one whose machine slept' },
  },
  {
    id: 'stop/cut-not-once-accepted',
    file: 'src/store/lanes.ts',
    protects: 'what a person has accepted is not cut late',
    attacks: ['A25'],
    find: '\n  OR EXISTS (SELECT 1 FROM estop.obligations WHERE obligation_id = $1 AND final_at IS NOT NULL)',
    put: '',
    tests: { file: twoWorkers, title: 'once a person has accepted it' },
  },
  {
    id: 'stop/uncut-not-said-cut',
    file: 'src/activities/lane-steps.ts',
    protects: 'of what a person has accepted nobody says that it was gone',
    attacks: [],
    find: 'if (await isLate(system.attemptMs)) return undefined;',
    put: "if (await isLate(system.attemptMs)) return { kind: 'already-gone' as const };",
    tests: { file: twoWorkers, title: 'once a person has accepted it' },
  },
  {
    id: 'stop/cut-without-store',
    file: 'src/activities/late-cut.ts',
    protects: 'a cut that is due does not wait for the store to come back',
    attacks: [],
    find: '      } catch {\n        await sleep(againMs);\n',
    put: '      } catch (thrown) {\n        throw thrown;\n',
    tests: { file: twoWorkers, title: 'although the store is away when it has its turn' },
  },
  {
    id: 'stop/reopened-cut-first',
    file: 'src/activities/connector-phase.ts',
    protects: 'what was found alive is cut again, whether or not its system can be asked',
    attacks: [],
    find: "      if (round < lane.round) return { kind: 'alive', why: 'this lane is in a newer round' };\n",
    put: '',
    tests: { file: twoWorkers, title: 'is cut again, and not first asked about' },
  },
  {
    id: 'stop/last-probe-told',
    file: 'src/activities/lane-attempt.ts',
    protects: 'a stop whose last probe cannot be made does not stay unproved without a word',
    attacks: ['A28'],
    find: 'attempt > lastProbesUntold ?',
    put: 'false ?',
    tests: { file: twoWorkers, title: 'needs a person where its last probe fails for long' },
  },
  {
    id: 'stop/stuck-child-gone-on',
    file: 'src/workers/relay/end-stuck.ts',
    protects: 'lanes are taken on also from a workflow that nobody can run since it went on as a new run',
    attacks: ['A2'],
    find: 'await endIfStuck(child.workflowId);',
    put: `if ((await client.workflow.getHandle(child.workflowId, child.runId ?? undefined).describe()).status.name === 'RUNNING')
              await endIfStuck(child.workflowId);`,
    tests: { file: 'test/revocation/stuck.test.ts', title: 'is begun anew, and so is one that waits for such a child' },
  },
];
